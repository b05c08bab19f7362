//! What each RPC costs the database: the kinds of `design.md` 3.5, and the few that are others.

use devsphere_auth::Subject;
use devsphere_proto::{Access, Method};
use prost::Message as _;
use prost_reflect::{DynamicMessage, Value};

use super::{
    needs,
    stage::{Actor, Ready, Stage, all, decode, said},
};

/// Those that cost something else than their kind, each with why.
const EXCEPTIONS: [(&str, usize, &str); 31] = [
    ("ListKeys", 0, "the keys are in memory"),
    ("WatchRevocations", 0, "hears what its replica reads by itself, for all who watch"),
    ("BatchResolve", 0, "asks the modules that are named, and no database"),
    ("ListMemberAccess", 0, "asks identity"),
    ("ListVisibleRecords", 0, "asks identity and the collection's module"),
    ("MintView", 4, "changes nothing: only who looked is recorded"),
    ("ListPermissions", 0, "the contracts are in memory"),
    ("CreateMember", 5, "looks at the custom roles that it gives first"),
    ("CreateInvitation", 5, "looks at what it offers, and whether there is room, first"),
    ("SetOrganizationLimits", 4, "sets a number in one statement: no state machine decides"),
    ("AcceptInvitation", 2, "as Activate"),
    ("SignIn", 2, "a guess is counted before the password is looked at, then the session opens"),
    ("Activate", 2, "finds whom to ask for which password, then redeems"),
    (
        "ChangePassword",
        7,
        "counts the guess; a read and a write, so that no transaction is open while hashing",
    ),
    ("SignOut", 4, "ends rows in one statement: no state machine decides"),
    ("SignOutEverywhere", 4, "as SignOut"),
    ("RevokeSession", 4, "as SignOut"),
    ("WriteContent", 6, "reads what the site and the keywords say of a text"),
    ("RestoreContent", 7, "as WriteContent, and the older text"),
    ("ListContentVersions", 3, "where there are none it looks whether the piece is there"),
    ("SubmitContentPiece", 6, "reads whether the site asks for a decision"),
    (
        "ApproveApproval",
        6,
        "finds the question before its owner decides and keeps the answer after: nothing is held open",
    ),
    ("RejectApproval", 6, "as ApproveApproval"),
    ("ProbeAiProvider", 2, "asks agent, which asks back how the provider is reached"),
    ("GetAiSpending", 2, "as ProbeAiProvider"),
    ("ListAiUsage", 0, "asks agent"),
    ("ProbeProvider", 8, "holds what a question may cost, and settles what it did"),
    ("ComposeDraft", 16, "two questions, each as a probe's"),
    ("agent.v1.GenerationService/GenerateDraft", 16, "as ComposeDraft"),
    (
        "seo.v1.GenerationService/GenerateDraft",
        22,
        "takes the piece, steps to a draft and writes it",
    ),
    ("ListGenerations", 3, "where there are none it looks whether the piece is there"),
];

/// What identity is asked for on the way, where it is not whether a person may own something: names
/// of people are a read there.
const ASKED: [(&str, usize); 6] = [
    ("GetAuditRecord", 2),
    ("ListAuditRecords", 2),
    ("ListMemberAccess", 2),
    ("ListVisibleRecords", 4),
    // It shows persons and names none.
    ("CreateContentPiece", 0),
    // Who else may decide.
    ("SubmitContentPiece", 2),
];

/// Whether the method itself opens a transaction.
pub(crate) fn asks_database(method: &Method) -> bool {
    exception(method).is_none_or(|trips| trips != 0)
}

/// The kind of a stream; what it costs is the cost of a page.
const EXPORT: &str = "export";

/// Before they are counted, so that every statement is prepared.
const WARM_UPS: usize = 2;

/// Counted so often, and the least of it stands: a call may find its connection closed for its age.
const COUNTED: usize = 2;

/// A member beside the founder, who names the founder or a colleague wherever a person is named: so
/// that another service has to ask identity who that is, and a hand-over changes something.
pub async fn helper(stage: &Stage) -> Actor {
    let (own, colleague) = (join(stage).await, join(stage).await);
    let founder = &stage.founder;
    let mut records = founder.records.clone();
    records.entry("person".into()).or_default().push(colleague);
    let subject = Subject { id: own.parse().unwrap(), ..founder.subject.clone() };
    Actor { subject, records, ..founder.clone() }
}

/// Somebody who becomes an active member: their person's id.
async fn join(stage: &Stage) -> String {
    let founder = &stage.founder;
    let method = |path: &str| stage.contract.method(path).unwrap();
    let create = method("/devsphere.identity.v1.MemberService/CreateMember");
    let created = stage.send(&stage.ready(create, founder).await.unwrap()).await.unwrap();
    let created = decode(create, &created).unwrap();
    let activate = method("/devsphere.identity.v1.SessionService/Activate");
    let mut ready = stage.ready(activate, founder).await.unwrap();
    let token = created.get_field_by_name("activation_token").unwrap().into_owned();
    ready.message.set_field_by_name("activation_token", token);
    stage.send(&ready).await.unwrap();
    needs::ids_in(&created)["person"][0].clone()
}

/// One kind of call, and what it should cost.
struct Kind {
    name: &'static str,
    own: usize,
    identity: usize,
}

/// The method's call as it is, its replay, and its variants, against what each should cost.
pub async fn count(
    stage: &Stage,
    helper: &Actor,
    method: &'static Method,
    lines: &mut Vec<String>,
    failures: &mut Vec<String>,
) {
    let Kind { name, own, identity } = kind(method);
    let plain = counted(stage, helper, method, 3, |_| ()).await;
    // Others have made records meanwhile: more than one page of them may be there.
    let own = if name == EXPORT { own * pages(stage, helper, method).await } else { own };
    note(method, name, (own, identity), plain, lines, failures);
    if method.descriptor.input().get_field_by_name("include_total").is_some() {
        let total = |message: &mut DynamicMessage| {
            message.set_field_by_name("include_total", Value::Bool(true));
        };
        let totalled = counted(stage, helper, method, 1, total).await;
        note(method, "read with total", (own + 1, identity), totalled, lines, failures);
    }
    if method.repeatable {
        let replayed = replay(stage, helper, method).await;
        note(method, "replay", (replay_cost(method), identity), replayed, lines, failures);
    }
}

/// Of one stream over several pages, each page costs the same.
pub async fn count_pages(
    stage: &Stage,
    helper: &Actor,
    lines: &mut Vec<String>,
    failures: &mut Vec<String>,
) {
    for method in stage.methods().filter(|method| method.streams) {
        let service = method.descriptor.parent_service();
        let creates = |other: &&Method| {
            other.descriptor.parent_service() == service
                && other.descriptor.name().starts_with("BatchCreate")
        };
        let Some(create) = stage.methods().find(creates) else { continue };
        for _ in 0..2 {
            let ready = stage.ready_many(create, helper, 200).await.unwrap();
            stage.send(&ready).await.unwrap();
        }
        let pages = pages(stage, helper, method).await;
        let found = counted(stage, helper, method, 1, |_| ()).await;
        assert!(pages > 1, "{} has one page only", method.path);
        note(method, &format!("export of {pages} pages"), (2 * pages, 0), found, lines, failures);
    }
}

/// How many pages a stream has now.
async fn pages(stage: &Stage, helper: &Actor, method: &'static Method) -> usize {
    let ready = stage.ready(method, helper).await.unwrap();
    stage.send(&ready).await.unwrap().len()
}

fn note(
    method: &Method,
    kind: &str,
    (own, identity): (usize, usize),
    found: Result<(usize, usize), String>,
    lines: &mut Vec<String>,
    failures: &mut Vec<String>,
) {
    match found {
        Ok((found, asked)) => {
            let of_identity =
                if identity + asked > 0 { format!("  identity {asked}") } else { String::new() };
            lines.push(format!("{:<62} {kind:<20} {found}{of_identity}", method.path));
            if (found, asked) != (own, identity) {
                failures.push(format!(
                    "{} as {kind}: {found} and {asked} of identity's, not {own} and {identity}",
                    method.path
                ));
            }
        }
        Err(problem) => failures.push(format!("{} as {kind}: {problem}", method.path)),
    }
}

/// The least of some calls, once warm.
async fn counted(
    stage: &Stage,
    helper: &Actor,
    method: &'static Method,
    many: usize,
    change: impl Fn(&mut DynamicMessage),
) -> Result<(usize, usize), String> {
    let mut least = (usize::MAX, usize::MAX);
    for round in 0..WARM_UPS + COUNTED {
        let mut ready = stage.ready_many(method, helper, many).await?;
        change(&mut ready.message);
        let found = cost(stage, &ready).await?;
        if round >= WARM_UPS {
            least = (least.0.min(found.0), least.1.min(found.1));
        }
    }
    Ok(least)
}

async fn replay(
    stage: &Stage,
    helper: &Actor,
    method: &'static Method,
) -> Result<(usize, usize), String> {
    let mut least = (usize::MAX, usize::MAX);
    for round in 0..WARM_UPS + COUNTED {
        let ready = stage.ready(method, helper).await?;
        stage.send(&ready).await.map_err(|refused| refused.to_string())?;
        let before = trips(stage, method);
        let again = stage.send(&ready).await;
        let after = trips(stage, method);
        if again.is_err() && !method.secret_answer {
            return Err(said(&again));
        }
        if round >= WARM_UPS {
            least = (least.0.min(after.0 - before.0), least.1.min(after.1 - before.1));
        }
    }
    Ok(least)
}

async fn cost(stage: &Stage, ready: &Ready) -> Result<(usize, usize), String> {
    let door = stage.door(ready.method, &ready.actor, &all());
    let body = ready.message.encode_to_vec();
    let before = trips(stage, ready.method);
    let answer = stage.call(ready.method, &door, body).await;
    let after = trips(stage, ready.method);
    match answer {
        Ok(_) => Ok((after.0 - before.0, after.1 - before.1)),
        Err(refused) => Err(refused.to_string()),
    }
}

/// Round trips so far: the method's own service's, and identity's where that is another.
fn trips(stage: &Stage, method: &Method) -> (usize, usize) {
    let of = |service| stage.world.counter(service).round_trips();
    (of(method.module), if method.module == "identity" { 0 } else { of("identity") })
}

/// What it costs instead of its kind's, by its name or, where two share one, by the end of its path.
fn exception(method: &Method) -> Option<usize> {
    let is = |name: &str| {
        name == method.descriptor.name() || name.contains('/') && method.path.ends_with(name)
    };
    EXCEPTIONS.iter().find(|(name, ..)| is(name)).map(|(_, own, _)| *own)
}

fn kind(method: &Method) -> Kind {
    let name = method.descriptor.name();
    let asked = ASKED.iter().find(|(asker, _)| *asker == name).map(|(_, asked)| *asked);
    let identity = asked.unwrap_or_else(|| if asks_identity(method) { 2 } else { 0 });
    let kind = |name, own| Kind { name, own, identity };
    if let Some(own) = exception(method) {
        return kind("exception", own);
    }
    match &method.access {
        Access::Public | Access::Internal { without_caller: true, .. } => kind("function", 1),
        _ if method.streams => kind(EXPORT, 2),
        _ if method.reads => kind("read", 2),
        _ if name.starts_with("BatchCreate") => kind("batch create", 4),
        _ if name.starts_with("Batch") => kind("batch", 5),
        _ if name.starts_with("Create") => kind("create", 4),
        _ => kind("change", 5),
    }
}

fn replay_cost(method: &Method) -> usize {
    // Counts and compares the password once more before it finds the request answered.
    if method.descriptor.name() == "ChangePassword" { 6 } else { 3 }
}

/// A write elsewhere that names a person asks identity whether they may own anything: a read. An
/// update takes no person.
fn asks_identity(method: &Method) -> bool {
    let names = needs::named(method).iter().any(|(_, noun)| noun == "person");
    names && method.module != "identity" && !method.reads && needs::maskable(method).is_empty()
}
