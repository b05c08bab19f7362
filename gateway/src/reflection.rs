//! Reflection of all modules at once, without what is internal.

use std::collections::BTreeSet;

use devsphere_boot::reflection;
use devsphere_error::{Error, Result};
use devsphere_proto::{Access, Contract, DESCRIPTORS};
use prost_reflect::{DescriptorPool, DynamicMessage, Value, prost::Message as _};
use tonic::service::Routes;
use tonic_health::pb::health_server::{Health, HealthServer};

/// The gRPC services that the gateway answers for itself.
pub(crate) const OWN: [&str; 3] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// Field numbers of `google/protobuf/descriptor.proto` that stand in source locations.
const SERVICE: i32 = 6;
const METHOD: i32 = 2;

/// Health with reflection beside it.
pub(crate) fn add(contract: &Contract, health: HealthServer<impl Health>) -> Result<Routes> {
    let services = services(contract);
    let names: Vec<_> = services.iter().map(|(_, service)| service.as_str()).collect();
    let health = Routes::new(health).into_axum_router();
    Ok(reflection::add_from(&shown(contract)?, &names, health)?.into())
}

/// The descriptors that clients may know, as an encoded `FileDescriptorSet`.
pub(crate) fn shown(contract: &Contract) -> Result<Vec<u8>> {
    let internal: BTreeSet<_> = contract
        .methods()
        .filter(|method| matches!(method.access, Access::Internal { .. }))
        .map(|method| method.path)
        .collect();
    without(contract.pool(), DESCRIPTORS, |path| internal.contains(path))
}

/// Every module's services of which clients may know anything.
pub(crate) fn services(contract: &Contract) -> BTreeSet<(&'static str, String)> {
    contract
        .methods()
        .filter(|method| !matches!(method.access, Access::Internal { .. }))
        .map(|method| (method.module, method.descriptor.parent_service().full_name().to_owned()))
        .collect()
}

/// The descriptor set without the methods that `hidden` names by path, and without services that
/// have no other. Works on messages of the pool, which knows our options; a typed set loses them.
fn without(
    pool: &DescriptorPool,
    descriptors: &[u8],
    hidden: impl Fn(&str) -> bool,
) -> Result<Vec<u8>> {
    let kind = pool
        .get_message_by_name("google.protobuf.FileDescriptorSet")
        .ok_or_else(|| Error::internal("the contracts do not import descriptor.proto"))?;
    let mut set = DynamicMessage::decode(kind, descriptors).map_err(Error::internal)?;
    for file in list(&mut set, "file").into_iter().flatten().filter_map(Value::as_message_mut) {
        let package = text(file, "package");
        let kept = match list(file, "service") {
            Some(services) if !services.is_empty() => trim(services, &package, &hidden),
            _ => continue,
        };
        if let Some(info) = file.get_field_by_name_mut("source_code_info")
            && let Some(locations) = info.as_message_mut().and_then(|info| list(info, "location"))
        {
            // The comments go with what they are about; the others follow what has moved up.
            locations.retain_mut(|location| mend(location, &kept).is_some());
        }
    }
    Ok(set.encode_to_vec())
}

/// Which methods of each service stay, in the order of the file.
type Kept = Vec<Vec<bool>>;

fn trim(services: &mut Vec<Value>, package: &str, hidden: impl Fn(&str) -> bool) -> Kept {
    let mut kept = Kept::new();
    services.retain_mut(|service| {
        let Some(service) = service.as_message_mut() else { return false };
        let name = text(service, "name");
        let mut stay = Vec::new();
        if let Some(methods) = list(service, "method") {
            methods.retain(|method| {
                let method = method.as_message().map(|method| text(method, "name"));
                stay.push(method.is_some_and(|m| !hidden(&format!("/{package}.{name}/{m}"))));
                stay.ends_with(&[true])
            });
        }
        kept.push(stay);
        kept.last().is_some_and(|stay| stay.contains(&true))
    });
    kept
}

/// Points a source location to where its subject is now; none if that is gone.
fn mend(location: &mut Value, kept: &Kept) -> Option<()> {
    let path = list(location.as_message_mut()?, "path")?;
    let numbers: Vec<_> = path.iter().filter_map(Value::as_i32).collect();
    if let [SERVICE, service, rest @ ..] = numbers.as_slice() {
        let services: Vec<_> = kept.iter().map(|methods| methods.contains(&true)).collect();
        path[1] = moved(&services, *service)?;
        if let [METHOD, method, ..] = rest {
            path[3] = moved(kept.get(usize::try_from(*service).ok()?)?, *method)?;
        }
    }
    Some(())
}

fn moved(stay: &[bool], old: i32) -> Option<Value> {
    let old = usize::try_from(old).ok()?;
    let before = stay.get(..old)?.iter().filter(|stays| **stays).count();
    stay.get(old)?.then_some(Value::I32(i32::try_from(before).ok()?))
}

fn list<'a>(message: &'a mut DynamicMessage, field: &str) -> Option<&'a mut Vec<Value>> {
    message.get_field_by_name_mut(field)?.as_list_mut()
}

fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Comments by what they are about, as a client of reflection finds them.
    fn comments(descriptors: &[u8], file: &str) -> Vec<(String, String)> {
        let pool = DescriptorPool::decode(descriptors).unwrap();
        let file = pool.get_file_by_name(file).unwrap().file_descriptor_proto().clone();
        let mut found = Vec::new();
        for location in file.source_code_info.unwrap_or_default().location {
            let name = match location.path[..] {
                [SERVICE, service] => file.service[service as usize].name(),
                [SERVICE, service, METHOD, method] => {
                    file.service[service as usize].method[method as usize].name()
                }
                _ => continue,
            };
            found.push((name.to_owned(), location.leading_comments().trim().to_owned()));
        }
        found
    }

    fn hidden(part: &str) -> Vec<u8> {
        let pool = Contract::get().unwrap().pool();
        without(pool, DESCRIPTORS, |path| path.contains(part)).unwrap()
    }

    #[test]
    fn a_hidden_method_takes_its_comment_along_and_leaves_the_others_theirs() {
        let file = "devsphere/identity/v1/assertion_service.proto";
        let before = comments(DESCRIPTORS, file);
        let expected: Vec<_> = before.iter().filter(|(name, _)| name != "Exchange").collect();
        assert_eq!(before.len(), expected.len() + 1);
        assert_eq!(comments(&hidden("/Exchange"), file).iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_service_of_hidden_methods_only_is_gone() {
        let shown = hidden("AssertionService/");
        let pool = DescriptorPool::decode(shown.as_slice()).unwrap();
        assert!(pool.get_service_by_name("devsphere.identity.v1.AssertionService").is_none());
        assert!(pool.get_service_by_name("devsphere.identity.v1.SessionService").is_some());
        assert!(comments(&shown, "devsphere/identity/v1/assertion_service.proto").is_empty());
    }

    #[test]
    fn with_nothing_hidden_nothing_changes() {
        let pool = DescriptorPool::decode(hidden("nothing is called so").as_slice()).unwrap();
        let before = DescriptorPool::decode(DESCRIPTORS).unwrap();
        assert_eq!(pool.encode_to_vec(), before.encode_to_vec());
    }
}
