//! What every contract keeps to (`style.md` C4), over the descriptor set.

use std::collections::BTreeMap;

use devsphere_proto::{Access, Body, Contract, Method};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::{api::ours, comments};
use crate::matrix::rules::{Rules, example, noun, places};

/// Requests that name an organisation on purpose: they choose where somebody is going to stand; or
/// their own, which has its id in it; or, for whoever runs the installation, any.
const NAME_AN_ORGANISATION: [&str; 5] = [
    "SignInRequest",
    "RefreshRequest",
    "SwitchOrganizationRequest",
    "UpdateOrganizationRequest",
    "SetOrganizationLimitsRequest",
];

/// Lists without pages, each with why.
const SHORT_LISTS: [(&str, &str); 5] = [
    ("ListAgents", "as many as this build has"),
    ("ListKeys", "one or two keys"),
    ("ListMemberAccess", "as many as this build has nouns"),
    ("ListPermissions", "as many as this build has"),
    ("ListSessions", "200 at most, and nobody has more"),
];

/// Methods without an effect whose names do not say so.
const READS: [&str; 4] = ["BatchResolve", "Exchange", "RenewAssertion", "SwitchOrganization"];

/// Writes that take no request id, each with why.
const NOT_REPEATABLE: [(&str, &str); 1] = [(
    "GenerateDraft",
    "a stream has no answer to keep; while it lasts, its piece refuses a second",
)];

/// Every code of `product.md` B4.
const REASONS: [&str; 27] = [
    "UNAUTHORIZED",
    "INVALID_API_KEY",
    "FORBIDDEN",
    "INSUFFICIENT_SCOPE",
    "NOT_FOUND",
    "BAD_REQUEST",
    "INVALID_STATE",
    "BAD_TRANSITION",
    "CONFLICT",
    "ALREADY_EXISTS",
    "PLAN_LIMIT",
    "LOCKED",
    "RATE_LIMITED",
    "OVERLOADED",
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "METHOD_NOT_ALLOWED",
    "STEP_UP_REQUIRED",
    "SECOND_FACTOR_REQUIRED",
    "CSRF",
    "AI_FAILED",
    "QUERY_FAILED",
    "CREATE_FAILED",
    "UPDATE_FAILED",
    "DELETE_FAILED",
];

fn contract() -> &'static Contract {
    Contract::get().unwrap()
}

fn name(method: &Method) -> String {
    method.descriptor.name().to_owned()
}

fn is_resource(message: &MessageDescriptor) -> bool {
    !message.name().ends_with("Request") && !message.name().ends_with("Response")
}

#[test]
fn every_service_rpc_resource_and_enum_has_a_comment() {
    let mut bare = Vec::new();
    for file in ours(contract()) {
        let services = file
            .services()
            .map(|service| (service.full_name().to_owned(), service.path().to_vec()));
        let rpcs = file.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        let rpcs = rpcs.map(|rpc| (rpc.full_name().to_owned(), rpc.path().to_vec()));
        let resources = file.messages().filter(is_resource);
        let resources =
            resources.map(|message| (message.full_name().to_owned(), message.path().to_vec()));
        let enums = file.enums().map(|kind| (kind.full_name().to_owned(), kind.path().to_vec()));
        for (name, path) in services.chain(rpcs).chain(resources).chain(enums) {
            if comments::of(&file, &path).is_empty() {
                bare.push(name);
            }
        }
    }
    assert_eq!(bare, Vec::<String>::new());
}

#[test]
fn a_package_is_its_folder() {
    for file in ours(contract()) {
        let (folder, _) = file.name().rsplit_once('/').unwrap();
        assert_eq!(file.package_name().replace('.', "/"), folder);
        assert!(file.package_name().ends_with(".v1"), "{}", file.name());
    }
}

#[test]
fn the_zero_of_an_enum_is_unspecified() {
    for kind in ours(contract()).flat_map(|file| file.enums().collect::<Vec<_>>()) {
        let zero = kind.default_value();
        assert_eq!(zero.number(), 0);
        let shouted: String =
            kind.name().char_indices().fold(String::new(), |text, (place, letter)| {
                let gap = if letter.is_uppercase() && place > 0 { "_" } else { "" };
                format!("{text}{gap}{}", letter.to_ascii_uppercase())
            });
        assert_eq!(zero.name(), format!("{shouted}_UNSPECIFIED"));
        assert!(
            kind.values().all(|value| value.name().starts_with(&shouted)),
            "{}",
            kind.full_name()
        );
    }
}

#[test]
fn no_request_names_an_organisation_but_those_that_choose_one() {
    let tenants = ["org", "organization", "organisation", "tenant", "account", "workspace"];
    for method in contract().methods() {
        let input = method.descriptor.input();
        for place in places(&input) {
            let field = place.field();
            let words = tenants.iter().any(|word| {
                field.name() == *word || field.name().starts_with(&format!("{word}_id"))
            });
            let names = words || noun(field).as_deref() == Some("organization");
            let meant = NAME_AN_ORGANISATION.contains(&input.name());
            assert!(!names || meant, "{} {}", method.path, place.name());
        }
    }
}

#[test]
fn every_create_and_update_can_only_validate() {
    for method in contract().methods() {
        let input = method.descriptor.input();
        let changes = ["Create", "Update"].iter().any(|verb| name(method).starts_with(verb));
        // With nothing in it there is nothing to validate.
        let empty = input.fields().all(|field| field.name() == "request_id");
        let can = input.get_field_by_name("validate_only").is_some();
        assert_eq!(can, changes && !empty, "{}", method.path);
    }
}

#[test]
fn every_write_with_a_permission_is_repeatable_and_nothing_public_is() {
    for method in contract().methods() {
        match method.access {
            Access::Granted { .. } => {
                let never = NOT_REPEATABLE.iter().any(|(write, _)| *write == name(method));
                assert_eq!(method.repeatable, !method.reads && !never, "{}", method.path)
            }
            Access::Public => assert!(!method.repeatable, "{}", method.path),
            Access::SelfOnly | Access::Internal { .. } => {}
        }
    }
}

#[test]
fn every_method_for_clients_lies_in_rest_once_and_no_two_share_a_path() {
    let mut taken = BTreeMap::new();
    for method in contract().methods() {
        let internal = matches!(method.access, Access::Internal { .. });
        assert_eq!(method.bindings.is_empty(), internal, "{}", method.path);
        for binding in &method.bindings {
            let place = format!("{} {}", binding.verb, binding.template.shape());
            let other = taken.insert(place.clone(), method.path);
            assert_eq!(other, None, "{place} of {}", method.path);
        }
    }
}

#[test]
fn a_method_lies_in_rest_where_its_name_says() {
    for method in contract().methods() {
        let Some(binding) = method.bindings.first() else { continue };
        let (name, verb) = (name(method), binding.verb);
        let custom = binding.template.shape().contains(':');
        let starts = |word: &str| name.starts_with(word) && !custom;
        let expected = match () {
            () if starts("Get") || starts("List") => "GET",
            () if starts("Update") => "PATCH",
            () if starts("Delete") => "DELETE",
            // A secret in the answer to GET would lie in caches and histories.
            () if method.reads && !method.secret_answer => "GET",
            () => "POST",
        };
        assert_eq!(verb, expected, "{}", method.path);
        let standard = ["Create", "Update"].iter().any(|word| starts(word));
        let words = binding.template.openapi();
        assert!(standard || verb != "POST" || custom, "{words} is a verb's, and names none");
        let single =
            method.descriptor.input().fields().find(|field| {
                field.kind().as_message().is_some_and(is_resource) && !field.is_list()
            });
        match single.filter(|field| standard && field.name() != "update_mask") {
            Some(field) => assert_eq!(binding.body, Body::Field(field), "{}", method.path),
            None if verb == "GET" || verb == "DELETE" => assert_eq!(binding.body, Body::None),
            None => assert_eq!(binding.body, Body::Whole, "{}", method.path),
        }
    }
}

#[test]
fn every_list_has_pages() {
    for method in contract().methods().filter(|method| name(method).starts_with("List")) {
        let short = SHORT_LISTS.iter().any(|(list, _)| *list == name(method));
        let (input, output) = (method.descriptor.input(), method.descriptor.output());
        let paged = ["page_size", "page_token"]
            .iter()
            .all(|field| input.get_field_by_name(field).is_some())
            && output.get_field_by_name("next_page_token").is_some();
        assert_ne!(paged, short, "{}", method.path);
    }
}

#[test]
fn what_reads_says_so_and_nothing_else_does() {
    for method in contract().methods() {
        let verbs =
            ["Get", "List", "BatchGet", "Search", "Export", "Explain", "Check", "Preview", "Watch"];
        let reads = verbs.iter().any(|verb| name(method).starts_with(verb));
        let reads = reads || READS.contains(&name(method).as_str());
        assert_eq!(method.reads, reads, "{}", method.path);
    }
}

#[test]
fn every_text_and_every_list_in_a_request_has_a_bound() {
    let mut unbounded = Vec::new();
    for method in contract().methods() {
        for place in places(&method.descriptor.input()) {
            let field = place.field();
            // What a resource has no example for is the mesh's to write, and passed over in requests.
            let written_by_us = is_resource(field.parent_message()) && example(field).is_none();
            if !written_by_us && !is_bounded(field) {
                unbounded.push(format!("{} {}", method.path, place.name()));
            }
        }
    }
    assert_eq!(unbounded, Vec::<String>::new());
}

fn is_bounded(field: &FieldDescriptor) -> bool {
    let mut rules = Rules::of(field);
    if field.is_list() {
        let most = rules.number("repeated", "max_items");
        if most.is_none() {
            return false;
        }
        rules = rules.items();
    }
    match field.kind() {
        Kind::String => {
            let length = ["max_len", "max_bytes", "len"]
                .iter()
                .any(|rule| rules.number("string", rule).is_some());
            let shape = rules.switch("string", "uuid");
            let pattern = rules.text("string", "pattern");
            length || shape || pattern.is_some_and(|pattern| ends(&pattern))
        }
        Kind::Bytes => rules.number("bytes", "max_len").is_some(),
        _ => true,
    }
}

/// Whether the pattern matches texts of some length only: nothing in it repeats without end.
fn ends(pattern: &str) -> bool {
    let mut in_class = false;
    let mut plain = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '[' => in_class = true,
            ']' => in_class = false,
            letter if !in_class => plain.push(letter),
            _ => {}
        }
    }
    plain.starts_with('^')
        && plain.ends_with('$')
        && !plain.contains(['*', '+'])
        && !plain.contains(",}")
}

#[test]
fn the_errors_in_a_comment_are_codes_of_ours() {
    for method in contract().methods() {
        let comment = comments::of_method(&method.descriptor);
        let Some((_, errors)) = comment.split_once("Errors:") else { continue };
        let words = errors.split(|letter: char| !letter.is_ascii_uppercase() && letter != '_');
        for word in words.filter(|word| word.len() > 2) {
            assert!(REASONS.contains(&word), "{}: {word}", method.path);
        }
    }
}

#[test]
fn every_module_and_the_gateway_may_hear_what_is_revoked() {
    let path = "/devsphere.identity.v1.RevocationService/WatchRevocations";
    let Access::Internal { services, .. } = &contract().method(path).unwrap().access else {
        unreachable!("the feed is internal")
    };
    let modules = contract().modules().map(|module| module.name);
    for name in modules.chain(["gateway"]) {
        assert!(services.contains(&name), "{name} would not hear of revocations");
    }
}
