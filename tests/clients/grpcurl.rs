//! grpcurl, which knows the mesh by reflection alone.

use std::process::Command;

use serde_json::{Deserializer, Value, json};

use super::{
    journey::{Client, LEADS, Method, Refusal, SESSIONS, travel},
    up::{Folder, Up, run, tool},
};

struct Grpcurl {
    address: String,
    token: Option<String>,
}

impl Grpcurl {
    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let plain = ["-plaintext", "-format-error"];
        run(Command::new(tool("grpcurl")).args(plain).args(arguments))
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

    fn stream(&self, (service, method): Method, body: &Value) -> Result<Vec<Value>, Refusal> {
        let mut body = body.clone();
        if let Some(mask) = body.get("updateMask").and_then(Value::as_str) {
            // grpcurl writes messages out, the one that JSON has a word for too.
            body["updateMask"] = json!({ "paths": [mask] });
        }
        let (body, path) = (body.to_string(), format!("{service}/{method}"));
        let mut arguments = vec!["-d", &body];
        let bearer = self.token.as_ref().map(|token| format!("authorization: Bearer {token}"));
        if let Some(bearer) = &bearer {
            arguments.extend(["-H", bearer]);
        }
        arguments.extend([self.address.as_str(), &path]);
        let answer = self.run(&arguments).map_err(|told| refusal(&told))?;
        Ok(Deserializer::from_str(&answer).into_iter().collect::<Result<_, _>>().unwrap())
    }
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
    let mut client = Grpcurl { address: up.address(), token: None };

    // What there is, told by the mesh itself.
    let services = client.run(&[&up.address(), "list"]).unwrap();
    assert!(services.contains(SESSIONS) && services.contains(LEADS));
    assert!(!services.contains("AssertionService\n") || !services.contains("Exchange"));
    let described = client.run(&[&up.address(), "describe", LEADS]).unwrap();
    assert!(described.contains("rpc QualifyLead"));

    travel(&mut client, &up.demo("manager"));
}
