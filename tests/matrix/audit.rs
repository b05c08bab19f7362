//! What each change leaves in the audit log: one record when it commits, none when it does not.

use devsphere_proto::Method;
use prost::Message as _;
use sqlx::{Executor as _, Row as _};
use uuid::Uuid;

use super::{
    stage::{Stage, all, said},
    wire::Answer,
};

/// Changes of another number of records, each with why.
const OTHERS: [(&str, i64, &str); 5] = [
    ("SessionService/SignUp", 2, "founds an organisation, and its first membership"),
    ("/AcceptInvitation", 2, "ends the invitation, and begins a membership"),
    (
        "agent.v1.GenerationService/GenerateDraft",
        2,
        "asks two questions, each of which is paid for",
    ),
    ("/ComposeDraft", 2, "as GenerateDraft"),
    (
        "seo.v1.GenerationService/GenerateDraft",
        9,
        "takes a piece, steps to a draft and writes it; and the agent's three questions",
    ),
];

/// Makes every commit that leaves an audit record fail, at the last moment.
const FAIL: &str = "
    create function platform.fault() returns trigger language plpgsql as
        'begin raise exception ''the commit fails''; end';
    create constraint trigger fault after insert on platform.audit
        deferrable initially deferred for each row execute function platform.fault()";
const MEND: &str = "drop trigger fault on platform.audit; drop function platform.fault()";

/// Sends the change twice: once as it is, and once into a commit that fails.
pub async fn probe(
    stage: &Stage,
    method: &'static Method,
    lines: &mut Vec<String>,
    failures: &mut Vec<String>,
) {
    match recorded(stage, method).await {
        Ok(records) => lines.push(format!("{:<72} {records}", method.path)),
        Err(problem) => failures.push(format!("{}: {problem}", method.path)),
    }
}

async fn recorded(stage: &Stage, method: &'static Method) -> Result<i64, String> {
    let expected = OTHERS
        .iter()
        .find(|(name, ..)| method.path.ends_with(name))
        .map_or(1, |(_, records, _)| *records);

    let (answer, records) = send(stage, method, false).await?;
    if answer.is_err() {
        return Err(said(&answer));
    }
    if records != expected {
        return Err(format!("leaves {records} records, not {expected}"));
    }
    let (answer, records) = send(stage, method, true).await?;
    if answer.is_ok() {
        return Err("answers although its commit fails".into());
    }
    if records != 0 {
        return Err(format!("is rolled back and leaves {records} records"));
    }
    Ok(expected)
}

/// The answer, and the records of just this request.
async fn send(
    stage: &Stage,
    method: &'static Method,
    fails: bool,
) -> Result<(Answer, i64), String> {
    let trace = Uuid::now_v7();
    let ready = stage.ready(method, &stage.founder).await?;
    let door = stage
        .door(method, &ready.actor, &all())
        .header(devsphere_auth::REQUEST, trace.to_string().as_bytes());
    let before = stage.rows(None).await;
    if fails {
        stage.plant(FAIL).await;
    }
    let answer = stage.call(method, &door, ready.message.encode_to_vec()).await;
    if fails {
        stage.plant(MEND).await;
        let after = stage.rows(None).await;
        // Counted before the password is looked at, and before a model is asked: whatever fails later.
        let counts = |table: &String| table == "identity.guess" || table.starts_with("agent.");
        let changed: Vec<_> = after
            .iter()
            .filter(|(table, hash)| !counts(table) && before.get(*table) != Some(hash))
            .collect();
        if !changed.is_empty() {
            return Err(format!("is rolled back and changed {changed:?}"));
        }
    }
    let count = sqlx::query("select count(*) from platform.audit where trace_id = $1").bind(trace);
    let mut admin = stage.world.admin().await;
    let records = admin.fetch_one(count).await.map_err(|error| error.to_string())?;
    Ok((answer, records.get(0)))
}
