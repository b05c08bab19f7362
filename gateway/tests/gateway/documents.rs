//! What the gateway tells of its own surface.

use std::collections::BTreeSet;

use devsphere_proto::{Access, Contract};
use http::Method;
use prost_reflect::DescriptorPool;
use serde_json::Value;

use crate::world::World;

async fn document(path: &str) -> crate::client::Got {
    let world = World::start().await;
    world.client().await.get(path).without("authorization").send().await.unwrap()
}

/// Every `$ref` in a document.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.insert(reference.clone());
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_openapi_document_has_every_way_to_every_method_and_nothing_internal() {
    let got = document("/api/v1/openapi.json").await;
    assert_eq!((got.http.as_u16(), got.header("content-type")), (200, "application/json"));
    let said = got.json();
    assert_eq!(said["openapi"], "3.1.0");
    let mut count = 0;
    for method in Contract::get().unwrap().methods() {
        for binding in &method.bindings {
            let (path, verb) = (binding.template.openapi(), binding.verb.to_lowercase());
            let operation = &said["paths"][&path][&verb];
            assert_eq!(operation["x-rpc"], method.path);
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{}", method.path);
            assert_eq!(method.access == Access::Public, operation.get("security").is_some());
            if let Access::Granted { permission: Some(permission), .. } = method.access {
                assert_eq!(operation["x-permission"], permission.name);
            }
            count += 1;
        }
    }
    let paths = said["paths"].as_object().unwrap().values();
    let operations: usize = paths.map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(operations, count);
    let mut found = BTreeSet::new();
    references(&said, &mut found);
    for reference in found {
        let place = reference.strip_prefix('#').unwrap();
        assert!(said.pointer(place).is_some_and(|value| !value.is_null()), "{reference}");
    }
    assert!(!got.text().contains("Exchange"));
}

#[tokio::test]
async fn rules_and_words_of_the_contract_stand_in_the_schemas() {
    let said = document("/api/v1/openapi.json").await.json();
    let lead = &said["components"]["schemas"]["crm.v1.Lead.Input"];
    assert_eq!(lead["additionalProperties"], false);
    let field = |name: &str| &lead["properties"][name];
    assert_eq!(field("display_name")["maxLength"], 200);
    assert_eq!(field("display_name")["examples"][0], "Maria Lindqvist");
    assert_eq!(field("email")["format"], "email");
    assert_eq!(field("tags")["maxItems"], 20);
    assert_eq!(field("tags")["items"]["maxLength"], 40);
    assert_eq!(field("note")["type"], "string");
    assert_eq!(field("create_time")["format"], "date-time");
    assert!(field("phone")["description"].as_str().unwrap().starts_with("Digits"));
    let out = &said["components"]["schemas"]["crm.v1.Lead"];
    assert_eq!(out["properties"]["display_name"].get("maxLength"), None);
    let update = &said["paths"]["/api/v1/leads/{lead_id}"]["patch"];
    let names = update["parameters"].as_array().unwrap().iter();
    let names: BTreeSet<_> = names.map(|one| one["name"].as_str().unwrap()).collect();
    for name in ["lead_id", "update_mask", "If-Match", "Idempotency-Key", "Prefer"] {
        assert!(names.contains(name), "{name}");
    }
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere_and_runs_no_other_script() {
    let got = document("/api/v1/").await;
    let (page, policy) = (got.text(), got.header("content-security-policy"));
    assert_eq!((got.http.as_u16(), got.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"));
    for outside in ["src=", "href=\"http", "onclick", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    for shown in ["LeadService", "QualifyLead", "crm.leads.move", "display_name", "curl -X POST"] {
        assert!(page.contains(shown), "{shown}");
    }
    assert_eq!(page.matches("<script>").count(), 1);
    assert!(!page.contains("Exchange"));
}

#[tokio::test]
async fn the_descriptors_are_those_that_reflection_shows() {
    let got = document("/api/descriptor.binpb").await;
    assert_eq!((got.http.as_u16(), got.header("content-type")), (200, "application/x-protobuf"));
    let pool = DescriptorPool::decode(got.body).unwrap();
    let service = pool.get_service_by_name("devsphere.crm.v1.LeadService").unwrap();
    let method = service.methods().find(|method| method.name() == "GetLead").unwrap();
    let options = method.options();
    assert!(options.extensions().any(|(field, _)| field.full_name() == "google.api.http"));
    let internal = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let mut internal = internal
        .filter(|method| ["Exchange", "RenewAssertion", "CheckMember"].contains(&method.name()));
    assert!(internal.next().is_none());
}

#[tokio::test]
async fn a_document_that_is_known_is_not_sent_again() {
    let world = World::start().await;
    let client = world.client().await;
    for path in ["/api/v1/openapi.json", "/api/v1/", "/api/descriptor.binpb"] {
        let first = client.get(path).send().await.unwrap();
        let etag = first.header("etag").to_owned();
        let again = client.get(path).header("if-none-match", &etag).send().await.unwrap();
        assert_eq!((again.http.as_u16(), again.body.len()), (304, 0), "{path}");
        let post = client.http(Method::POST, path).send().await.unwrap();
        assert_eq!((post.http.as_u16(), post.header("allow")), (405, "GET"));
    }
}
