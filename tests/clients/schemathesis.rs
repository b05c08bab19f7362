//! schemathesis, which makes requests from the OpenAPI document alone, good ones and bad.

use std::process::Command;

use devsphere_proto::Contract;
use serde_json::{Value, json};

use super::up::{Folder, Up, run, tool};

/// What is asked of every answer. That bad data is refused and good data is not, the matrix asks:
/// a document cannot say of a text that it is no filter, or of an id that nobody has it.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method,\
    allow_header_conformance,missing_required_header,use_after_free,ensure_resource_availability";

/// What would end the session that all of it is asked in; and a question to a model that is not
/// there, which is a 500 by the table of errors.
const LEFT_OUT: [&str; 3] = ["sessions:signOut", ":revoke", "aiProvider:probe"];

fn access_token(up: &Up) -> String {
    let (email, password) = up.demo("ceo");
    let body = json!({ "email": email, "password": password }).to_string();
    let url = format!("http://{}/api/v1/sessions:signIn", up.address());
    let json = ["-sS", "-H", "content-type: application/json", "-d", &body, &url];
    let answer = run(Command::new("curl").args(json)).unwrap();
    let grant: Value = serde_json::from_str(&answer).unwrap();
    grant["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn schemathesis_finds_no_server_error_and_no_answer_that_the_document_does_not_know() {
    let folder = Folder::fresh();
    let up = Up::start(&folder.0, &["--demo"]);
    let bearer = format!("authorization: Bearer {}", access_token(&up));
    let document = format!("http://{}/api/v1/openapi.json", up.address());

    let told = run(Command::new(tool("schemathesis"))
        .current_dir(&folder.0)
        .args(["run", &document, "-H", &bearer, "-c", CHECKS])
        .args([
            "--exclude-path-regex",
            &LEFT_OUT.join("|"),
            "--phases",
            "examples,coverage,fuzzing",
        ])
        .args(["--seed", "7", "-n", "40", "--max-time", "70", "--continue-on-failure"]))
    .unwrap_or_else(|told| panic!("{told}"));

    let bindings = Contract::get().unwrap().methods().flat_map(|method| &method.bindings);
    let asked = bindings.map(|binding| binding.template.openapi());
    let asked = asked.filter(|path| !LEFT_OUT.iter().any(|end| path.contains(end))).count();
    assert!(told.contains(&format!("Tested: {asked}\n")), "not all of {asked} were asked: {told}");
    assert!(!told.contains("Failures:"), "{told}");
}
