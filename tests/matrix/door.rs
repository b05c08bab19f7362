//! Who is let in: every RPC, asked by everybody who might try.

use std::fmt::Write as _;

use devsphere_auth::{Kind, PermissionSet, Standing, Subject};
use devsphere_proto::{Access, Method};
use prost::Message as _;
use tonic::Code;

use super::{
    Asked, EXPECTED, Expected, ROWS,
    stage::{Actor, Ready, Stage, WRONG_PEER, all},
    wire::{Answer, Door},
};
use crate::golden::comments;

/// No field begins so: a key without an end.
pub const GARBAGE: [u8; 11] = [0xff; 11];

/// The column of what whoever runs the installation may do.
pub const PLATFORM: usize = 2;

/// What is seen only with the permission that its record asks for: without it there is none, as for
/// whoever is elsewhere.
const SEEN_WITH: [(&str, &str); 3] = [
    ("GetApproval", "seo.contentPieces.decide"),
    ("ApproveApproval", "seo.contentPieces.decide"),
    ("RejectApproval", "seo.contentPieces.decide"),
];

/// The column of the table that a method's access chooses.
pub fn kind(method: &Method) -> usize {
    match &method.access {
        Access::Public => 0,
        Access::SelfOnly => 1,
        Access::Granted { permission: Some(permission), .. }
            if permission.name.starts_with("platform.") =>
        {
            PLATFORM
        }
        Access::Granted { .. } => 3,
        Access::Internal { without_caller: false, .. } => 4,
        Access::Internal { .. } => 5,
    }
}

/// The name of the permission that the method declares.
pub fn declared(method: &Method) -> Option<&'static str> {
    match &method.access {
        Access::Granted { permission, .. } => permission.map(|permission| permission.name),
        _ => None,
    }
}

/// Every cell of one method: a line of marks, and what was not as expected.
pub async fn ask(stage: &Stage, method: &'static Method, failures: &mut Vec<String>) -> String {
    let mut line = String::new();
    let refused = match stage.ready(method, &stage.founder).await {
        Ok(ready) => ready,
        Err(problem) => {
            failures.push(format!("{}: {problem}", method.path));
            return "cannot be filled".into();
        }
    };
    for (asked, expected) in EXPECTED {
        let expected = over(stage, asked, kind(method), expected[kind(method)]);
        let mark = match cell(stage, &refused, asked, expected).await {
            Ok(mark) => mark,
            Err(problem) => {
                failures.push(format!("{} · {asked:?}: {problem}", method.path));
                "!!".into()
            }
        };
        let _ = write!(line, "{mark:<4}");
    }
    line
}

/// Over mutual TLS nobody comes without a name: where a name is all that is asked for, a wrong one
/// is told so.
fn over(stage: &Stage, asked: Asked, kind: usize, expected: Expected) -> Expected {
    let signed_in = matches!(asked, Asked::NoPermission | Asked::Everything);
    let named = match ROWS[kind] {
        "internal" => signed_in,
        "without_caller" => signed_in || asked == Asked::Nobody,
        _ => false,
    };
    if stage.is_certified() && named { Expected::Forbidden } else { expected }
}

/// One cell: its mark. Only what is to be answered needs a request of its own.
async fn cell(
    stage: &Stage,
    refused: &Ready,
    asked: Asked,
    expected: Expected,
) -> Result<String, String> {
    let method = refused.method;
    let fresh = match expected {
        Expected::NotAsked => return Ok("·".into()),
        Expected::Ok | Expected::LockedUnlessRead => {
            Some(stage.ready(method, &stage.founder).await?)
        }
        _ => None,
    };
    let ready = fresh.as_ref().unwrap_or(refused);
    let body = match asked {
        Asked::GarbageInside | Asked::GarbageOutside => GARBAGE.to_vec(),
        _ => ready.message.encode_to_vec(),
    };
    let mut held = permissions(asked, method);
    loop {
        let door = door(stage, method, &ready.actor, asked, &held);
        let answer = stage.call(method, &door, body.clone()).await;
        // A role's permissions are asked for too, where the contract says so.
        match needed_beside(method, &answer).filter(|_| asked == Asked::OnlyDeclared) {
            Some(more) => held = held.union(&PermissionSet::matching(&[&more])),
            None => {
                let more = held.names().count().saturating_sub(1);
                let more = if asked == Asked::OnlyDeclared && more > 0 {
                    format!("+{more}")
                } else {
                    String::new()
                };
                return judge(method, expected, &answer).map(|mark| format!("{mark}{more}"));
            }
        }
    }
}

/// Another permission than the declared one, if its lack is a documented refusal of this method.
fn needed_beside(method: &Method, answer: &Answer) -> Option<String> {
    let refused = answer.as_ref().err().filter(|refused| refused.code == Code::PermissionDenied)?;
    let named = refused.of_metadata("permission").to_owned();
    let documented = comments::of_method(&method.descriptor).contains("FORBIDDEN (");
    let beside = ROWS.iter().all(|word| *word != named) && Some(named.as_str()) != declared(method);
    (documented && beside).then_some(named)
}

fn permissions(asked: Asked, method: &Method) -> PermissionSet {
    let declared = declared(method).unwrap_or_default();
    match asked {
        Asked::Nobody | Asked::PeerAlone | Asked::NoPermission | Asked::RightPeer => {
            PermissionSet::EMPTY
        }
        Asked::AllButDeclared => {
            let names: Vec<_> = all().names().filter(|name| *name != declared).collect();
            PermissionSet::matching(&names)
        }
        Asked::OnlyDeclared => {
            let seen = SEEN_WITH.iter().filter(|(name, _)| *name == method.descriptor.name());
            let names: Vec<_> = seen.map(|(_, name)| *name).chain([declared]).collect();
            PermissionSet::matching(&names)
        }
        Asked::GarbageOutside => PermissionSet::EMPTY,
        _ => all(),
    }
}

fn door(stage: &Stage, method: &Method, actor: &Actor, asked: Asked, held: &PermissionSet) -> Door {
    let right = match &method.access {
        Access::Internal { services, .. } => services[0],
        _ => "crm",
    };
    let mut subject = Subject { permissions: held.clone(), ..actor.subject.clone() };
    match asked {
        Asked::Suspended => {
            if let Some(organization) = &mut subject.organization {
                organization.standing = Standing::Suspended;
            }
        }
        Asked::NoOrganization => subject.organization = None,
        Asked::NotAPerson => subject.kind = Kind::Job,
        _ => {}
    }
    let signed_in = Door::default().assertion(&stage.assertion_of(&subject));
    match asked {
        Asked::Nobody => Door::default(),
        Asked::PeerAlone => Door::default().peer(right),
        Asked::WrongPeer => signed_in.peer(WRONG_PEER),
        Asked::RightPeer => signed_in.peer(right),
        Asked::GarbageInside => stage.door(method, actor, held),
        // The nearest door that is shut.
        Asked::GarbageOutside => match kind(method) {
            0 | 1 => Door::default(),
            2 | 3 => signed_in,
            _ => signed_in.peer(WRONG_PEER),
        },
        Asked::Suspended if matches!(method.access, Access::Internal { .. }) => {
            signed_in.peer(right)
        }
        _ => signed_in,
    }
}

/// The mark of an answer that is as expected.
///
/// # Errors
/// What came instead.
fn judge(method: &Method, expected: Expected, answer: &Answer) -> Result<String, String> {
    use Expected::{
        BadRequest, Forbidden, LockedUnlessRead, NoOrganization, NotAPerson, Ok as Answered,
        Unauthorized,
    };

    let refused = match answer {
        Ok(_) => None,
        Err(refused) => Some((refused.code, refused.reason.as_str())),
    };
    let found = answer.as_ref().map_or_else(ToString::to_string, |_| "OK".into());
    if let Some(flaw) = answer.as_ref().err().and_then(|refused| refused.flaw) {
        return Err(format!("the refusal {flaw}: {found}"));
    }
    let permission =
        answer.as_ref().err().map(|refused| refused.of_metadata("permission").to_owned());
    let (as_expected, mark) = match expected {
        Expected::NotAsked => (true, "·"),
        Answered => (refused.is_none(), "ok"),
        LockedUnlessRead if method.reads => (refused.is_none(), "ok"),
        LockedUnlessRead => (refused == Some((Code::FailedPrecondition, "LOCKED")), "L"),
        Unauthorized => (refused == Some((Code::Unauthenticated, "UNAUTHORIZED")), "U"),
        Forbidden => {
            let named = declared(method).unwrap_or("internal");
            let right = refused == Some((Code::PermissionDenied, "FORBIDDEN"));
            (right && permission.as_deref() == Some(named), "F")
        }
        NotAPerson => {
            let right = refused == Some((Code::PermissionDenied, "FORBIDDEN"));
            (right && permission.as_deref() == Some("self"), "F")
        }
        BadRequest => (refused == Some((Code::InvalidArgument, "BAD_REQUEST")), "B"),
        NoOrganization => (refused == Some((Code::FailedPrecondition, "INVALID_STATE")), "N"),
    };
    if as_expected {
        Ok(mark.to_owned())
    } else {
        Err(format!("{expected:?} expected, not {found}"))
    }
}
