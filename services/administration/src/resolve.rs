//! Names of records, and what is known of each without asking anybody.

mod rpc;

use std::collections::BTreeMap;

use devsphere_proto::{Contract, Resource, administration::v1 as pb};
use prost_reflect::DynamicMessage;

pub(crate) use rpc::Resolver;

/// Names of one collection that are to be looked up.
struct Asked {
    resource: &'static Resource,
    ids: Vec<String>,
}

/// The names by collection; those of no collection are left out, and so not found.
fn by_collection(contract: &'static Contract, names: &[String]) -> Vec<Asked> {
    let mut asked = BTreeMap::<&str, Vec<String>>::new();
    for (collection, id) in names.iter().filter_map(|name| name.rsplit_once('/')) {
        // What is no id names nothing; the module would refuse all for it.
        if uuid::Uuid::try_parse(id).is_ok() {
            asked.entry(collection).or_default().push(id.to_owned());
        }
    }
    let known = |(collection, ids)| Some(Asked { resource: contract.resource(collection)?, ids });
    asked.into_iter().filter_map(known).collect()
}

/// What a record is shown as.
fn found(resource: &Resource, record: &DynamicMessage, public_url: &str) -> pb::ResolvedName {
    pb::ResolvedName {
        name: resource.name(record),
        outcome: pb::ResolveOutcome::Found.into(),
        title: resource.title(record),
        state: resource.state(record),
        url: format!("{public_url}{}", resource.url(record)),
    }
}

fn without(name: &str, outcome: pb::ResolveOutcome) -> pb::ResolvedName {
    pb::ResolvedName { name: name.into(), outcome: outcome.into(), ..pb::ResolvedName::default() }
}
