//! Forged assertions against every RPC that asks for one: each is refused in the same words, and
//! nothing has happened (`security.md` T28).

mod forms;
mod token;

use devsphere_auth::{ASSERTION, Verifier, mint::SigningKey};
use devsphere_proto::{Access, Method};
use devsphere_testkit::World;
use prost::Message as _;
use prost_reflect::Value;
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, net::UnixStream};
use tonic::Code;
use uuid::Uuid;

use crate::{
    attacks::raw::{self, DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, frame},
    counts::{Chance, full_or_hundredth},
    matrix::{
        stage::{Actor, MODULES, Ready, Stage, all, decode, said},
        trips::asks_database,
        wire::{Answer, Door},
    },
};
use forms::{Genuine, with_all_modules};
use token::Token;

/// Random flips in all; a sample of them goes over the wire.
const FLIPS: usize = 1_000_000;
const FLIPS_OVER_THE_WIRE: usize = 200;

/// Headers by which somebody might hope to choose an organisation.
const PLAIN: [&str; 12] = [
    "x-org-id",
    "x-organization-id",
    "x-tenant-id",
    "x-user-id",
    "x-role",
    "org",
    "devsphere-organization",
    "devsphere-org-id",
    "devsphere-role",
    "devsphere-person",
    "devsphere-ticket",
    "devsphere_organization",
];

/// The methods that ask for an assertion.
fn guarded(stage: &Stage) -> impl Iterator<Item = &'static Method> {
    stage.methods().filter(|method| {
        !matches!(method.access, Access::Public | Access::Internal { without_caller: true, .. })
    })
}

/// What a forger with an assertion of their own has in hand.
fn genuine(stage: &Stage, actor: &Actor, access_token: &str) -> Genuine {
    Genuine {
        assertion: stage.assertion(actor, &all()),
        access_token: access_token.to_owned(),
        keys: stage.world.backend().keys.clone(),
        other: SigningKey::generate().unwrap(),
    }
}

/// A real access token of the founder's.
async fn access_token(stage: &Stage) -> String {
    let method = stage.contract.method("/devsphere.identity.v1.SessionService/SignIn").unwrap();
    let ready = stage.ready(method, &stage.founder).await.unwrap();
    let grant = decode(method, &stage.send(&ready).await.unwrap()).unwrap();
    grant.get_field_by_name("access_token").unwrap().as_str().unwrap().to_owned()
}

/// A door with the name of a service that an internal method knows.
fn as_service(method: &Method, door: Door) -> Door {
    match &method.access {
        Access::Internal { services, .. } => door.peer(services[0]),
        _ => door,
    }
}

fn is_refused(answer: &Answer) -> bool {
    answer.as_ref().is_err_and(|refused| {
        let said = (refused.code, refused.reason.as_str(), refused.message.as_str());
        // No word of which check failed.
        said == (Code::Unauthenticated, "UNAUTHORIZED", "not signed in")
            && refused.metadata.is_empty()
            && refused.flaw.is_none()
    })
}

#[tokio::test]
async fn no_forged_assertion_opens_any_rpc_and_nothing_happens() {
    let stage = Stage::start().await;
    let token = access_token(&stage).await;
    let mut requests: Vec<Ready> = Vec::new();
    for method in guarded(&stage) {
        requests.push(stage.ready(method, &stage.founder).await.unwrap());
    }
    let before = stage.rows(None).await;
    let (mut failures, mut sent) = (Vec::new(), 0);

    for ready in &requests {
        for (form, door) in genuine(&stage, &ready.actor, &token).forms() {
            let door = as_service(ready.method, door);
            let answer = stage.call(ready.method, &door, ready.message.encode_to_vec()).await;
            sent += 1;
            if !is_refused(&answer) {
                failures.push(format!("{} · {form}: {}", ready.method.path, said(&answer)));
            }
        }
    }

    println!("{sent} forged calls of {} RPCs", requests.len());
    assert!(
        failures.is_empty(),
        "{} were not refused:\n  {}",
        failures.len(),
        failures.join("\n  ")
    );
    assert_eq!(stage.rows(None).await, before, "a handler ran");
    // The same requests through the door that is right, or all of the above proves nothing.
    for ready in &requests {
        stage.reset().await;
        assert!(stage.send(ready).await.is_ok(), "{}", ready.method.path);
    }
}

#[tokio::test]
async fn a_flipped_bit_is_never_let_in() {
    let stage = Stage::start().await;
    let chance = Chance::seeded();
    let verifier = Verifier::new(vec![stage.world.backend().keys.assertion.public()]);
    let flipped = |token: &str| {
        let mut bytes = token.as_bytes().to_vec();
        let place = usize::try_from(chance.below(bytes.len() as u64)).unwrap();
        bytes[place] ^= 1 << chance.below(8);
        bytes
    };
    let methods: Vec<_> = guarded(&stage).collect();

    let mut token = String::new();
    for round in 0..full_or_hundredth(FLIPS) {
        if round % 1_000 == 0 {
            // Fresh, so that none is refused for its age.
            token = stage.assertion(&stage.founder, &all());
        }
        if let Ok(text) = String::from_utf8(flipped(&token)) {
            assert!(verifier.caller(&text).await.is_err(), "round {round}: {text}");
        }
    }
    for round in 0..FLIPS_OVER_THE_WIRE {
        let method = methods[round % methods.len()];
        let bytes = flipped(&stage.assertion(&stage.founder, &all()));
        let door = as_service(method, Door::default().header(ASSERTION, &bytes));
        let answer = stage.call(method, &door, Vec::new()).await;
        assert!(
            is_refused(&answer),
            "{} {}: {}",
            method.path,
            String::from_utf8_lossy(&bytes),
            said(&answer)
        );
    }
}

#[tokio::test]
async fn an_assertion_cut_short_anywhere_is_refused() {
    let stage = Stage::start().await;
    let verifier = Verifier::new(vec![stage.world.backend().keys.assertion.public()]);
    let methods: Vec<_> = guarded(&stage).collect();
    let whole = stage.assertion(&stage.founder, &all());
    assert!(verifier.caller(&whole).await.is_ok());

    for end in 0..whole.len() {
        assert!(verifier.caller(&whole[..end]).await.is_err(), "{end}");
    }
    for end in 0..whole.len() {
        let whole = stage.assertion(&stage.founder, &all());
        let method = methods[end % methods.len()];
        let door = as_service(method, Door::default().assertion(&whole[..end]));
        let answer = stage.call(method, &door, Vec::new()).await;
        assert!(is_refused(&answer), "{} cut at {end}: {}", method.path, said(&answer));
    }
}

#[tokio::test]
async fn an_assertion_is_no_credential_at_the_exchange() {
    let stage = Stage::start().await;
    let method = stage.contract.method("/devsphere.identity.v1.AssertionService/Exchange").unwrap();
    let token = access_token(&stage).await;
    let genuine = genuine(&stage, &stage.founder, &token);
    let access = Token::read(&token);
    let wrong = [
        genuine.assertion.clone(),
        Token::read(&genuine.assertion)
            .header("typ", json!("at+jwt"))
            .signed(&genuine.keys.assertion),
        access.signed(&genuine.other),
        access.clone().claim("org", json!(Uuid::now_v7())).kept(),
        access.clone().claim("epoch", json!(99)).kept(),
        access.clone().header("alg", json!("none")).with(&[]),
        access.tagged(&genuine.keys.access.public().bytes),
    ];

    for credential in wrong {
        let mut ready = stage.ready(method, &stage.founder).await.unwrap();
        ready.message.set_field_by_name("credential", Value::String(credential.clone()));
        let answer = stage.send(&ready).await;
        assert!(is_refused(&answer), "{credential}: {}", said(&answer));
    }
}

#[tokio::test]
async fn plain_headers_choose_no_organisation() {
    let stage = Stage::start().await;
    let theirs = stage.sign_up("").await.unwrap();
    let named = |door: Door| {
        PLAIN
            .iter()
            .fold(door, |door, name| door.header(name, theirs.id("organization").as_bytes()))
    };

    for method in guarded(&stage).filter(|method| method.reads && !method.secret_answer) {
        let mut ready = stage.ready(method, &stage.founder).await.unwrap();
        if method.path.contains(".AuditService/") {
            // Who looks into the log is noted there, too, a moment later.
            let filter = Value::String("noun != audit_record".into());
            ready.message.set_field_by_name("filter", filter);
        }
        let body = ready.message.encode_to_vec();
        let door = stage.door(method, &ready.actor, &all());
        let plain = stage.call(method, &door, body.clone()).await;
        let beside = stage.call(method, &named(door), body.clone()).await;
        let alone = stage.call(method, &as_service(method, named(Door::default())), body).await;

        assert!(plain.is_ok(), "{}: {}", method.path, said(&plain));
        assert_eq!(beside, plain, "{}", method.path);
        assert!(is_refused(&alone), "{}: {}", method.path, said(&alone));
    }
}

#[tokio::test]
async fn a_forged_ticket_inside_a_true_assertion_reaches_no_row() {
    let stage = Stage::start().await;
    let theirs = stage.sign_up("").await.unwrap();
    let key = &stage.world.backend().keys.assertion;
    let mut requests = Vec::new();
    // What opens no transaction itself asks others, who are here too, or answers from memory.
    for method in guarded(&stage).filter(|method| asks_database(method)) {
        requests.push(stage.ready(method, &stage.founder).await.unwrap());
    }
    let before = stage.rows(None).await;

    for ready in &requests {
        let token = Token::read(&stage.assertion(&ready.actor, &all()));
        let ticket = token.claims["ticket"].as_str().unwrap().to_owned();
        let own = Uuid::parse_str(ready.actor.id("organization")).unwrap().simple().to_string();
        let other = Uuid::parse_str(theirs.id("organization")).unwrap().simple().to_string();
        for forged in [
            with_all_modules(&ticket),
            ticket.replace(&own, &other),
            ticket.replacen("1.", "2.", 1),
        ] {
            let forged = token.clone().claim("ticket", json!(forged)).signed(key);
            let door = as_service(ready.method, Door::default().assertion(&forged));
            let answer = stage.call(ready.method, &door, ready.message.encode_to_vec()).await;
            let refused = answer.as_ref().is_err_and(|refused| refused.code == Code::Internal);
            assert!(refused, "{}: {}", ready.method.path, said(&answer));
        }
    }

    assert_eq!(stage.rows(None).await, before);
}

/// The gateway's connection to a service is everybody's.
#[tokio::test]
async fn two_thousand_refused_before_their_bodies_come_leave_the_connection_open() {
    let world = World::start(&MODULES).await;
    let mut stream = UnixStream::connect(world.folder().join("crm.sock")).await.unwrap();
    let block = raw::header_block(&raw::call("/devsphere.crm.v1.LeadService/ListLeads", ""));

    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
    for number in 0..2_000 {
        let id = 2 * number + 1;
        stream.write_all(&frame(HEADERS, END_HEADERS, id, &block)).await.unwrap();
        let heard = raw::read(&mut stream, 1).await;
        assert_eq!((heard.answers, heard.goaway), (1, None), "after {number}");
        let late = frame(DATA, END_STREAM, id, &raw::message(&[]));
        stream.write_all(&late).await.unwrap();
    }
}
