//! Audit records of what changes nothing: refusals, and looks into the log itself.

use std::net::IpAddr;

use devsphere_auth::{Caller, Facts, Permit, Ticket};
use devsphere_db::Database;
use devsphere_proto::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::late::{Late, Writers};

/// What a refusal for want of a permission is called in the log.
pub const DENIED: &str = "access.denied";

/// The way into the audit log after the answer.
#[derive(Clone)]
pub struct Notes(Late<Key, Note>);

/// Organisation, principal, method.
type Key = (Uuid, Uuid, &'static str);

/// One record to be. The database stamps it with its ticket's organisation and principal.
struct Note {
    ticket: Ticket,
    action: &'static str,
    noun: &'static str,
    record_id: Uuid,
    method: &'static str,
    trace: Uuid,
    address: Option<IpAddr>,
    after: Value,
}

impl Notes {
    pub(crate) fn begin(writers: &Writers, database: &Database) -> Self {
        let database = database.clone();
        Self(writers.begin("audit", move |batch: Vec<(Note, u32)>| {
            let notes = batch.into_iter().map(|(note, times)| note.written(times)).collect();
            let database = database.clone();
            async move { database.note(Value::Array(notes)).await }
        }))
    }

    /// A caller was refused. Of one caller and method the first waits for all, and many at once
    /// may be lost: a flood of refusals must not slow down anybody's work.
    pub(crate) fn denied(&self, caller: &Caller, method: &Method, facts: &Facts, missing: &str) {
        let note = Note {
            ticket: caller.ticket().clone(),
            action: DENIED,
            noun: "method",
            record_id: Uuid::nil(),
            method: method.path,
            trace: facts.trace,
            address: facts.address,
            after: json!({ "permission": missing }),
        };
        let organization = caller.organization().map_or(Uuid::nil(), |found| found.id);
        self.0.offer((organization, caller.id(), method.path), note);
    }

    /// Somebody looked at records of that noun, whom nothing else would remember; `after` says at
    /// which. Waits where the queue is full, so that no look is lost by haste.
    pub async fn seen(
        &self,
        permit: &Permit,
        action: &'static str,
        noun: &'static str,
        after: Value,
    ) {
        let facts = permit.facts();
        let note = Note {
            ticket: permit.caller().ticket().clone(),
            action,
            noun,
            record_id: Uuid::nil(),
            method: permit.method().path,
            trace: facts.trace,
            address: facts.address,
            after,
        };
        // A client may name two requests alike, and each of them is a look of its own.
        self.0.put((Uuid::now_v7(), Uuid::nil(), permit.method().path), note).await;
    }
}

impl Note {
    /// As `platform.note` takes it.
    fn written(self, times: u32) -> Value {
        let mut after = self.after;
        if times > 1 {
            after["times"] = times.into();
        }
        json!({
            "ticket": self.ticket.as_str(),
            "action": self.action,
            "noun": self.noun,
            "record_id": self.record_id,
            "method": self.method,
            "trace_id": self.trace,
            "client_address": self.address,
            "after": after,
        })
    }
}
