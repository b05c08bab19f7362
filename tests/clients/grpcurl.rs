//! grpcurl, which knows the mesh by reflection alone.

use std::process::Command;

use devsphere_boot::Tasks;
use devsphere_testkit::provider::Wire;
use serde_json::{Deserializer, Value, json};
use tokio::task::block_in_place;

use super::{
    drafts::{self, Listener},
    journey::{Client, LEADS, Method, Refusal, SESSIONS, travel},
    up::{Folder, Up, run, run_to_its_end, tool},
};

struct Grpcurl {
    address: String,
    token: Option<String>,
}

impl Grpcurl {
    fn new(up: &Up) -> Self {
        Self { address: up.address(), token: None }
    }

    fn command(arguments: &[&str]) -> Command {
        let mut command = Command::new(tool("grpcurl"));
        command.args(["-plaintext", "-format-error"]).args(arguments);
        command
    }
}

impl Client for Grpcurl {
    fn hold(&mut self, access_token: String) {
        self.token = Some(access_token);
    }

    fn call(&self, method: Method, body: &Value) -> Result<Value, Refusal> {
        let mut answers = self.stream(method, body)?;
        assert_eq!(answers.len(), 1);
        Ok(answers.remove(0))
    }

    fn stream(&self, method: Method, body: &Value) -> Result<Vec<Value>, Refusal> {
        match self.follow(method, body) {
            (heard, None) => Ok(heard),
            (_, Some(refusal)) => Err(refusal),
        }
    }
}

impl Listener for Grpcurl {
    fn follow(&self, (service, method): Method, body: &Value) -> (Vec<Value>, Option<Refusal>) {
        let mut body = body.clone();
        if let Some(mask) = body.get("updateMask").and_then(Value::as_str) {
            // grpcurl writes messages out, the one that JSON has a word for too.
            body["updateMask"] = json!({ "paths": [snake(mask)] });
        }
        let (body, path) = (body.to_string(), format!("{service}/{method}"));
        let mut arguments = vec!["-d", &body];
        let bearer = self.token.as_ref().map(|token| format!("authorization: Bearer {token}"));
        if let Some(bearer) = &bearer {
            arguments.extend(["-H", bearer]);
        }
        arguments.extend([self.address.as_str(), &path]);
        let (heard, told) = run_to_its_end(&mut Self::command(&arguments));
        let heard = Deserializer::from_str(&heard).into_iter().collect::<Result<_, _>>().unwrap();
        (heard, told.map(|told| refusal(&told)))
    }
}

/// A field by the contract's own name.
fn snake(name: &str) -> String {
    let capital = |letter: char| letter.is_ascii_uppercase().then_some('_');
    name.chars()
        .flat_map(|one| capital(one).into_iter().chain([one.to_ascii_lowercase()]))
        .collect()
}

fn refusal(told: &str) -> Refusal {
    let status: Value = serde_json::from_str(told).expect(told);
    let details = status["details"].as_array().unwrap();
    Refusal::of(details.iter().map(|detail| (detail["@type"].as_str().unwrap(), detail)))
}

#[test]
fn grpcurl_signs_in_and_works_with_leads_by_reflection() {
    let folder = Folder::fresh();
    let up = Up::start(&folder.0, &["--demo"]);
    let ask = |words: &[&str]| run(Grpcurl::command(&[&up.address()]).args(words)).unwrap();

    // What there is, told by the mesh itself.
    let services = ask(&["list"]);
    assert!(services.contains(SESSIONS) && services.contains(LEADS));
    assert!(!services.contains("AssertionService\n") || !services.contains("Exchange"));
    let described = ask(&["describe", LEADS]);
    assert!(described.contains("rpc QualifyLead"));

    travel(&mut Grpcurl::new(&up), &up.demo("manager"));
}

#[tokio::test(flavor = "multi_thread")]
async fn grpcurl_makes_the_journey_of_a_draft() {
    let tasks = Tasks::default();
    let model = drafts::model(&tasks).await;
    let folder = Folder::fresh();

    block_in_place(|| {
        let up = Up::start(&folder.0, &["--demo", "--allow-private", "127.0.0.1"]);
        drafts::travel(|| Grpcurl::new(&up), &up, &model.url(Wire::Anthropic));
    });

    tasks.stop().await;
}
