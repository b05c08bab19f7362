//! Whose records wait for a decision: every noun with an `Approve` and a `Reject` in its contract.

use devsphere_auth::Caller;
use devsphere_error::{Error, Result};
use devsphere_proto::{Access, Contract, Method, Permission, Resource};
use devsphere_rpc::etag;
use prost_reflect::{DynamicMessage, Value};

use super::{Approval, Decision, Verb};

/// What the owner's verbs take beside the record's id.
const TAKEN: [&str; 3] = ["note", "etag", "request_id"];

/// A noun whose records are decided on.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    pub(super) resource: &'static Resource,
    approve: Decides,
    reject: Decides,
}

/// A verb of the owner's.
#[derive(Clone, Copy)]
struct Decides {
    method: &'static Method,
    permission: Permission,
}

/// Every noun whose records are decided on.
pub(super) struct Owners(Vec<Owner>);

impl Owners {
    /// Those of the contract.
    pub(super) fn of(contract: &'static Contract) -> Result<Self> {
        let owner = |resource| {
            let verb = |verb| Decides::of(contract, resource, verb);
            Ok(match (verb(Verb::Approve)?, verb(Verb::Reject)?) {
                (Some(approve), Some(reject)) => Some(Owner { resource, approve, reject }),
                _ => None,
            })
        };
        let owners = contract.resources().iter().map(owner).filter_map(Result::transpose);
        owners.collect::<Result<_>>().map(Self)
    }

    /// The owner of the question's record: the noun of the module whose permission is needed.
    pub(super) fn owner(&self, approval: &Approval) -> Option<&Owner> {
        let module = approval.permission.split('.').next();
        let owns = |owner: &&Owner| {
            owner.resource.noun() == approval.noun && Some(owner.resource.module) == module
        };
        self.0.iter().find(owns)
    }

    /// What the caller holds of the permissions that deciders need.
    pub(super) fn held_by(&self, caller: &Caller) -> Vec<&'static str> {
        let needed = self.0.iter().flat_map(|owner| [owner.approve, owner.reject]);
        let held = needed.filter(|verb| caller.permissions().has(verb.permission.bit));
        let mut names: Vec<_> = held.map(|verb| verb.permission.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Owner {
    pub(super) const fn method(&self, verb: Verb) -> &'static Method {
        match verb {
            Verb::Approve => self.approve.method,
            Verb::Reject => self.reject.method,
        }
    }

    /// The verb's request: on the version that was asked about, and no other.
    pub(super) fn request(
        &self,
        approval: &Approval,
        decision: &Decision,
        request_id: String,
    ) -> DynamicMessage {
        let (method, id) = (self.method(decision.verb), approval.record_id.to_string());
        let mut request = self.resource.verb_request(method, id);
        let given = [decision.note.clone(), etag::of(approval.record_version), request_id];
        for (field, text) in TAKEN.into_iter().zip(given) {
            request.set_field_by_name(field, Value::String(text));
        }
        request
    }
}

impl Decides {
    /// The verb on that kind of record, if its module has one.
    fn of(contract: &'static Contract, resource: &Resource, verb: Verb) -> Result<Option<Self>> {
        let name = format!("{}{}", verb.prefix(), resource.message.name());
        let is_verb =
            |method: &&Method| method.module == resource.module && method.descriptor.name() == name;
        let Some(method) = contract.methods().find(is_verb) else { return Ok(None) };
        let input = method.descriptor.input();
        // Without one of them a decision would be of any version, or a retry a second decision.
        if let Some(missing) = TAKEN.iter().find(|field| input.get_field_by_name(field).is_none()) {
            return Err(Error::internal(format!("{name} takes no {missing}")));
        }
        match method.access {
            Access::Granted { permission: Some(permission), .. } => {
                Ok(Some(Self { method, permission }))
            }
            _ => Err(Error::internal(format!("{name} asks for no permission"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_pieces_are_decided_by_their_own_verbs() {
        let Owners(owners) = Owners::of(Contract::get().unwrap()).unwrap();

        let owner =
            owners.iter().find(|owner| owner.resource.collection == "seo/contentPieces").unwrap();
        assert_eq!(owner.resource.noun(), "content_piece");
        for (verb, method) in
            [(Verb::Approve, "ApproveContentPiece"), (Verb::Reject, "RejectContentPiece")]
        {
            assert_eq!(owner.method(verb).descriptor.name(), method);
        }
        assert_eq!(owner.approve.permission.name, "seo.contentPieces.decide");
    }

    #[test]
    fn leads_wait_for_nobody() {
        let Owners(owners) = Owners::of(Contract::get().unwrap()).unwrap();

        assert!(owners.iter().all(|owner| owner.resource.collection != "crm/leads"));
    }
}
