//! grpcurl, which knows the mesh by reflection alone.

use std::process::Command;

use serde_json::{Value, json};

use super::up::{Folder, Up, tool};

const SESSIONS: &str = "devsphere.identity.v1.SessionService";
const LEADS: &str = "devsphere.crm.v1.LeadService";

struct Grpcurl {
    address: String,
    token: Option<String>,
}

impl Grpcurl {
    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(tool("grpcurl")).args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    fn call(&self, service: &str, method: &str, body: &Value) -> Result<Value, String> {
        let (body, path) = (body.to_string(), format!("{service}/{method}"));
        let mut arguments = vec!["-plaintext", "-d", &body];
        let bearer = self.token.as_ref().map(|token| format!("authorization: Bearer {token}"));
        if let Some(bearer) = &bearer {
            arguments.extend(["-H", bearer]);
        }
        arguments.extend([self.address.as_str(), &path]);
        let answer = self.run(&arguments)?;
        Ok(serde_json::from_str(&answer).unwrap())
    }
}

#[test]
fn grpcurl_signs_in_and_works_with_leads_by_reflection() {
    let folder = Folder::fresh();
    let up = Up::start(&folder.0, &["--demo"]);
    let (email, password) = up.demo("manager");
    let mut client = Grpcurl { address: up.address(), token: None };

    // What there is, told by the mesh itself.
    let services = client.run(&["-plaintext", &up.address(), "list"]).unwrap();
    assert!(services.contains(SESSIONS) && services.contains(LEADS));
    assert!(!services.contains("AssertionService\n") || !services.contains("Exchange"));
    let described = client.run(&["-plaintext", &up.address(), "describe", LEADS]).unwrap();
    assert!(described.contains("rpc QualifyLead"));

    let grant =
        client.call(SESSIONS, "SignIn", &json!({ "email": email, "password": password })).unwrap();
    client.token = Some(grant["accessToken"].as_str().unwrap().to_owned());

    // Create, and repeat the request id: one lead, one answer.
    let create = json!({
        "lead": { "displayName": "Maria Lindqvist", "email": "maria@lindqvist.example",
                  "value": { "minorUnits": "250000", "currencyCode": "EUR" } },
        "requestId": "01a20c5e-1e1d-7208-a4d0-7873f0b292dc",
    });
    let lead = client.call(LEADS, "CreateLead", &create).unwrap();
    let again = client.call(LEADS, "CreateLead", &create).unwrap();
    assert_eq!(lead, again);

    // List with a filter, and page.
    let one = client
        .call(LEADS, "ListLeads", &json!({ "filter": "email = \"maria@lindqvist.example\"" }))
        .unwrap();
    assert_eq!(one["leads"].as_array().unwrap().len(), 1);
    let first = client.call(LEADS, "ListLeads", &json!({ "pageSize": 5 })).unwrap();
    let token = &first["nextPageToken"];
    let second =
        client.call(LEADS, "ListLeads", &json!({ "pageSize": 5, "pageToken": token })).unwrap();
    assert_ne!(first["leads"][0]["leadId"], second["leads"][0]["leadId"]);

    // A stale etag.
    let update = |etag: &Value, note: &str| json!({ "lead": { "leadId": lead["leadId"], "note": note, "etag": etag }, "updateMask": { "paths": ["note"] } });
    client.call(LEADS, "UpdateLead", &update(&lead["etag"], "first")).unwrap();
    let stale = client.call(LEADS, "UpdateLead", &update(&lead["etag"], "second")).unwrap_err();
    assert!(stale.contains("Aborted") && stale.contains("stale_etag"), "{stale}");

    // Three fields wrong at once, each named with what is wrong.
    let wrong =
        json!({ "lead": { "displayName": "x", "email": "no", "phone": "no", "website": "no" } });
    let refused = client.call(LEADS, "CreateLead", &wrong).unwrap_err();
    for word in ["InvalidArgument", "lead.email", "lead.phone", "lead.website", "BAD_REQUEST"] {
        assert!(refused.contains(word), "{word} is missing in {refused}");
    }
}
