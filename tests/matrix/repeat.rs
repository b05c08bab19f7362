//! Requests that repeat, and requests that only validate.

use devsphere_auth::Subject;
use devsphere_proto::{Access, Method};
use prost::Message as _;
use prost_reflect::Value;
use tonic::Code;
use uuid::Uuid;

use super::{
    stage::{Actor, Ready, Stage, all, said},
    wire::Answer,
};

/// A field that no contract has: other bytes, the same meaning. Number 15,000, a varint 1.
const MORE: [u8; 4] = [0xc0, 0xa9, 0x07, 0x01];

/// The same request twice, another one under its id, and somebody else's under its id.
pub async fn probe(
    stage: &Stage,
    method: &'static Method,
    lines: &mut Vec<String>,
    failures: &mut Vec<String>,
) {
    match repeated(stage, method).await {
        Ok(line) => lines.push(format!("{:<62} {line}", method.path)),
        Err(problem) => failures.push(format!("{}: {problem}", method.path)),
    }
}

async fn repeated(stage: &Stage, method: &'static Method) -> Result<String, String> {
    let ready = stage.ready(method, &stage.founder).await?;
    let door = stage.door(method, &ready.actor, &all());
    let body = ready.message.encode_to_vec();

    let first = stage.call(method, &door, body.clone()).await;
    let again = stage.call(method, &door, body.clone()).await;
    let other = stage.call(method, &door, [&body, &MORE[..]].concat()).await;
    let theirs = by_another(stage, method, &ready).await?;

    if first.is_err() {
        return Err(format!("the first call: {}", said(&first)));
    }
    let shown = again.as_ref().err().map(|refused| refused.of_metadata("cause").to_owned());
    let as_promised = match method.secret_answer {
        true => {
            shown.as_deref() == Some("answer_shown_once")
                && code(&again) == Code::FailedPrecondition
        }
        false => again == first,
    };
    if !as_promised {
        return Err(format!("the second call: {}", said(&again)));
    }
    let reused = other.as_ref().err().is_some_and(|refused| {
        let said = (refused.code, refused.reason.as_str(), refused.of_metadata("cause"));
        said == (Code::InvalidArgument, "BAD_REQUEST", "request_id_reused")
    });
    if !reused {
        return Err(format!("another request under its id: {}", said(&other)));
    }
    if theirs.is_err() {
        return Err(format!("another caller's request under its id: {}", said(&theirs)));
    }
    let second = if method.secret_answer { "answer_shown_once" } else { "the same bytes" };
    Ok(format!("{second}; request_id_reused; another caller's own"))
}

/// The same id, in another request of somebody else: in the same organisation where the method is
/// about one, in their own where it is about a person.
async fn by_another(
    stage: &Stage,
    method: &'static Method,
    first: &Ready,
) -> Result<Answer, String> {
    let Ready { actor, mut message, .. } = stage.ready(method, &stage.founder).await?;
    let request_id = first.message.get_field_by_name("request_id").ok_or("it has no request_id")?;
    message.set_field_by_name("request_id", request_id.into_owned());
    let subject = match method.access {
        Access::SelfOnly => actor.subject.clone(),
        _ => Subject { id: Uuid::now_v7(), ..actor.subject.clone() },
    };
    let other = Actor { subject, ..actor };
    let door = stage.door(method, &other, &all());
    Ok(stage.call(method, &door, message.encode_to_vec()).await)
}

fn code(answer: &Answer) -> Code {
    answer.as_ref().map_or_else(|refused| refused.code, |_| Code::Ok)
}

/// With `validate_only` the answer is there and no row is another.
pub async fn only_validates(
    stage: &Stage,
    method: &'static Method,
    lines: &mut Vec<String>,
    failures: &mut Vec<String>,
) {
    let Some(field) = method.descriptor.input().get_field_by_name("validate_only") else { return };
    let mut ready = match stage.ready(method, &stage.founder).await {
        Ok(ready) => ready,
        Err(problem) => return failures.push(format!("{}: {problem}", method.path)),
    };
    ready.message.set_field(&field, Value::Bool(true));
    let before = stage.rows(None).await;

    let answer = stage.send(&ready).await;

    let after = stage.rows(None).await;
    let changed: Vec<_> =
        after.iter().filter(|(table, hash)| before.get(*table) != Some(hash)).collect();
    if answer.is_ok() && changed.is_empty() {
        lines.push(method.path.to_owned());
    } else {
        failures.push(format!("{}: {}, changed {changed:?}", method.path, said(&answer)));
    }
}
