//! The authorize step: a [`Caller`] whom a method's declared access admits gets a [`Permit`], and nobody else does.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Instant,
};

use devsphere_error::{Error, Result};
use devsphere_ids::RequestId;
use devsphere_proto::{Access, Method};
use uuid::Uuid;

use crate::{Caller, Kind};

/// What is known of a request beside its message: for logs, audit, lockout and idempotency.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The id that logs and errors know the request by.
    pub trace: Uuid,
    /// The client's address, as the gateway saw it.
    pub address: Option<IpAddr>,
    /// What the client calls itself, cut to 200 characters.
    pub user_agent: Arc<str>,
    /// When the caller stops waiting; none for streams.
    pub deadline: Option<Instant>,
    /// SHA-256 over method and message, and the slot for a stored answer.
    pub attempt: Attempt,
}

/// One request's place in the attempt layer.
#[derive(Debug, Clone, Default)]
pub struct Attempt {
    /// SHA-256 of the method's path and the message as received; none for streams.
    pub hash: [u8; 32],
    answer: Arc<OnceLock<Vec<u8>>>,
}

impl Attempt {
    /// An attempt at the request with that hash.
    pub fn new(hash: [u8; 32]) -> Self {
        Self { hash, answer: Arc::default() }
    }

    /// Leaves the answer that an earlier call with this request id got.
    pub fn replay(&self, answer: Vec<u8>) {
        // A second answer to one request would be the same one.
        let _ = self.answer.set(answer);
    }

    /// The answer left by [`Attempt::replay`].
    pub fn replayed(&self) -> Option<&[u8]> {
        self.answer.get().map(Vec::as_slice)
    }
}

/// The service at the other end of the connection, once the transport has proved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer(pub String);

/// Proof that this caller may use this method; the only key to the database.
#[derive(Debug, Clone)]
pub struct Permit {
    caller: Caller,
    method: &'static Method,
    /// Who asked, of the services; an internal method's permit is renewed for none else.
    peer: Option<Peer>,
    facts: Facts,
    request_id: Option<RequestId>,
}

/// Proof that a method needs no caller; opens nothing but the named functions.
#[derive(Debug, Clone)]
pub struct Anonymous {
    method: &'static Method,
    facts: Facts,
}

impl Permit {
    /// Admits the caller to the method, or says what is missing.
    ///
    /// # Errors
    /// `Forbidden` naming the permission, or `view` for a write of whoever only looks; `InvalidState` without an organisation where one is
    /// needed, `Locked` for a write in an organisation that may only read.
    pub fn authorize(
        caller: Caller,
        method: &'static Method,
        peer: Option<&Peer>,
        facts: Facts,
    ) -> Result<Self> {
        if caller.kind() == Kind::View && !method.reads {
            return Err(Error::Forbidden("view"));
        }
        match &method.access {
            Access::Public => return Err(Error::internal("a public method takes no permit")),
            Access::SelfOnly if caller.kind() == Kind::User => {}
            Access::SelfOnly => return Err(Error::Forbidden("self")),
            Access::Internal { services, .. } => internal(services, peer)?,
            Access::Granted { permission, .. } => {
                let needed = permission.map(|permission| (permission.name, permission.bit));
                if caller.organization().is_none() && is_of_an_organization(&method.access) {
                    return Err(Error::InvalidState {
                        cause: "no_organization",
                        message: "no organisation is chosen",
                    });
                }
                match needed {
                    Some((_, bit)) if caller.permissions().has(bit) => {}
                    Some((name, _)) => return Err(Error::Forbidden(name)),
                    None => return Err(Error::Forbidden("link")),
                }
            }
        }
        let locked = caller.organization().is_some_and(|found| !found.standing.may_write());
        if locked && !method.reads && is_of_an_organization(&method.access) {
            return Err(Error::Locked { cause: "organization_suspended" });
        }
        Ok(Self { caller, method, peer: peer.cloned(), facts, request_id: None })
    }

    /// The same permit in another run of the same request.
    #[must_use]
    pub fn with_attempt(mut self, attempt: Attempt) -> Self {
        self.facts.attempt = attempt;
        self
    }

    /// Notes the request id that the message carries.
    #[must_use]
    pub fn repeatable(mut self, request_id: Option<RequestId>) -> Self {
        self.request_id = request_id;
        self
    }

    /// The same permit with a fresher assertion of the same principal, for work that outlives one.
    ///
    /// # Errors
    /// `Unauthenticated` when it speaks of somebody else; as [`Permit::authorize`] when the
    /// permission is gone.
    pub fn renewed(&self, caller: Caller) -> Result<Self> {
        let organization = |caller: &Caller| caller.organization().map(|found| found.id);
        if caller.id() != self.caller.id() || organization(&caller) != organization(&self.caller) {
            return Err(Error::Unauthenticated);
        }
        Self::authorize(caller, self.method, self.peer.as_ref(), self.facts.clone())
    }

    /// Who calls.
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The method that the permit is for.
    pub const fn method(&self) -> &'static Method {
        self.method
    }

    /// What is known of the request beside its message.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The id a retry repeats, if the client gave one.
    pub const fn request_id(&self) -> Option<RequestId> {
        self.request_id
    }
}

impl Anonymous {
    /// Admits a call that needs no caller.
    ///
    /// # Errors
    /// `Unauthenticated` when the method does need one, or is internal and the peer is nobody
    /// we know; `Forbidden` when it is another service than those named.
    pub fn admit(method: &'static Method, peer: Option<&Peer>, facts: Facts) -> Result<Self> {
        match &method.access {
            Access::Public => {}
            Access::Internal { services, without_caller: true } => internal(services, peer)?,
            _ => return Err(Error::Unauthenticated),
        }
        Ok(Self { method, facts })
    }

    /// The method that the proof is for.
    pub const fn method(&self) -> &'static Method {
        self.method
    }

    /// What is known of the request beside its message.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }
}

/// False for what a person does for themselves, or the platform's administrator for all.
fn is_of_an_organization(access: &Access) -> bool {
    match access {
        Access::Granted { permission: Some(permission), .. } => {
            !permission.name.starts_with("platform.")
        }
        Access::Granted { .. } => true,
        Access::Public | Access::SelfOnly | Access::Internal { .. } => false,
    }
}

fn internal(services: &[&'static str], peer: Option<&Peer>) -> Result<()> {
    match peer {
        None => Err(Error::Unauthenticated),
        Some(Peer(name)) if services.contains(&name.as_str()) => Ok(()),
        Some(_) => Err(Error::Forbidden("internal")),
    }
}
