//! Ids of another organisation: each field that names a record, asked with theirs and with nothing's.

use devsphere_proto::{Access, Method};
use prost::Message as _;
use prost_reflect::Value;
use tonic::Code;
use uuid::Uuid;

use super::{
    door::{PLATFORM, kind},
    needs::{self, names_it},
    rules::Place,
    stage::{Actor, Ready, Stage, all, said},
    wire::Answer,
};

/// Begins every text of the other organisation.
const CANARY: &str = "CNRY-B ";

/// Another organisation, with a record of every noun.
pub struct Foreign {
    actor: Actor,
}

impl Foreign {
    /// Signs up, and makes what any method names.
    pub async fn arrange(stage: &Stage) -> Self {
        let mut actor = stage.sign_up(CANARY).await.unwrap();
        for (_, noun) in stage.methods().flat_map(needs::named) {
            if !actor.records.contains_key(&noun) {
                let made = stage.make(&noun, &actor).await.unwrap();
                actor.records.insert(noun, vec![made]);
            }
        }
        Self { actor }
    }

    /// Its id.
    pub fn organization(&self) -> &str {
        self.actor.id("organization")
    }

    /// Whether the text tells of them.
    fn is_told_by(&self, answer: &[u8]) -> bool {
        let holds =
            |needle: &str| answer.windows(needle.len()).any(|part| part == needle.as_bytes());
        holds(CANARY.trim()) || self.actor.records.values().flatten().any(|id| holds(id))
    }
}

/// The method as it is, then with each of its ids replaced.
pub async fn probe(
    stage: &Stage,
    foreign: &Foreign,
    method: &'static Method,
    lines: &mut Vec<String>,
    failures: &mut Vec<String>,
) {
    if let Err(problem) = own_only(stage, foreign, method).await {
        failures.push(format!("{}: {problem}", method.path));
    }
    for (place, noun) in needs::named(method) {
        if noun == "organization" && kind(method) == PLATFORM {
            // Whoever runs the installation may name any: that is what the method is for.
            continue;
        }
        let theirs = foreign.actor.id(&noun).to_owned();
        let name = format!("{} {}", method.path, place.name());
        match compare(stage, foreign, method, (&place, &noun), &theirs).await {
            Ok(line) => lines.push(format!("{name:<90} {line}")),
            Err(problem) => failures.push(format!("{name}: {problem}")),
        }
    }
}

/// An answer tells of nobody else, whatever it is about.
async fn own_only(stage: &Stage, foreign: &Foreign, method: &'static Method) -> Result<(), String> {
    let ready = stage.ready(method, &stage.founder).await?;
    told(foreign, &stage.send(&ready).await)
}

fn told(foreign: &Foreign, answer: &Answer) -> Result<(), String> {
    let tells = match answer {
        Ok(messages) => messages.iter().any(|message| foreign.is_told_by(message)),
        Err(refused) => foreign.is_told_by(refused.to_string().as_bytes()),
    };
    if tells { Err(format!("tells of the other organisation: {}", said(answer))) } else { Ok(()) }
}

/// Both answers, side by side: the line to print.
async fn compare(
    stage: &Stage,
    foreign: &Foreign,
    method: &'static Method,
    (place, noun): (&Place, &str),
    theirs: &str,
) -> Result<String, String> {
    let unknown = Uuid::now_v7().to_string();
    let mut found = Vec::new();
    for partial in [false, true] {
        if partial && method.descriptor.input().get_field_by_name("allow_partial").is_none() {
            continue;
        }
        let foreign_answer = replaced(stage, method, (place, theirs), partial).await?;
        let unknown_answer = replaced(stage, method, (place, &unknown), partial).await?;
        told(foreign, &foreign_answer)?;
        let same = match (&foreign_answer, &unknown_answer) {
            // A write that passes the id over answers with the fresh record that it is about.
            (Ok(left), Ok(right)) => left == right || (!method.reads && !partial),
            (left, right) => left == right,
        };
        if !same {
            let (left, right) = (said(&foreign_answer), said(&unknown_answer));
            return Err(format!("theirs: {left}; nothing's: {right}"));
        }
        expected(method, place, noun, partial, &foreign_answer)?;
        found.push(said(&foreign_answer));
    }
    Ok(found.join("; partial: "))
}

async fn replaced(
    stage: &Stage,
    method: &'static Method,
    (place, id): (&Place, &str),
    partial: bool,
) -> Result<Answer, String> {
    let Ready { actor, mut message, .. } = stage.ready(method, &stage.founder).await?;
    let id = Value::String(id.to_owned());
    let value = if place.field().is_list() { Value::List(vec![id]) } else { id };
    place.put(&mut message, Some(value));
    if partial {
        message.set_field_by_name("allow_partial", Value::Bool(true));
    }
    let door = stage.door(method, &actor, &all());
    Ok(stage.call(method, &door, message.encode_to_vec()).await)
}

/// A record that the method is about is not found; about others it says that they will not do.
fn expected(
    method: &Method,
    place: &Place,
    noun: &str,
    partial: bool,
    answer: &Answer,
) -> Result<(), String> {
    let own = needs::record(method).as_deref() == Some(noun) && names_it(place.field(), noun);
    let internal = matches!(method.access, Access::Internal { .. });
    let right = match answer {
        Ok(_) => !own || partial || internal || needs::is_create(method),
        Err(refused) if own && !needs::is_create(method) => {
            refused.code == Code::NotFound && refused.reason == "NOT_FOUND"
        }
        Err(refused) => refused.code == Code::InvalidArgument && refused.blames(&place.name()),
    };
    if right { Ok(()) } else { Err(said(answer)) }
}
