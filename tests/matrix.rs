//! Every RPC of every contract, asked by everybody who might try: who is let in, whose records
//! they reach, what a repeated request does, and what it costs the database.
//!
//! Nothing here names an RPC to fill: messages come from types, rules, `ref` and `example`, records
//! from the module's own Create. An RPC that cannot be filled so fails by name.

mod audit;
mod broken;
mod colleague;
mod door;
mod fill;
mod ids;
mod model;
mod needs;
mod repeat;
mod rows;
pub(crate) mod rules;
pub(crate) mod stage;
pub(crate) mod trips;
pub(crate) mod wire;

use stage::Stage;

use crate::golden::comments;

/// What a cell may expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    NotAsked,
    /// The handler answers.
    Ok,
    Unauthorized,
    /// Names the declared permission, or `internal`.
    Forbidden,
    NotAPerson,
    BadRequest,
    NoOrganization,
    /// A read answers, a write is `LOCKED`.
    LockedUnlessRead,
}

/// Who asks, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Nothing but the message.
    Nobody,
    /// No caller, but the name of a service that the method knows (or `crm`).
    PeerAlone,
    /// Signed in.
    NoPermission,
    AllButDeclared,
    OnlyDeclared,
    Everything,
    /// Everything, from a service that the method does not know.
    WrongPeer,
    /// Signed in, from a service that the method knows.
    RightPeer,
    /// Everything, in no organisation.
    NoOrganization,
    /// Everything, in an organisation that may only read.
    Suspended,
    /// Everything, but a job.
    NotAPerson,
    /// A message that does not decode, from somebody who is let in.
    GarbageInside,
    /// The same from somebody who is not: refused before anybody reads it.
    GarbageOutside,
}

/// The kinds of access, as the table has them.
const ROWS: [&str; 6] = ["public", "self", "platform", "permission", "internal", "without_caller"];

/// The whole policy of the door: for each way to ask, what each kind of access answers.
#[rustfmt::skip]
const EXPECTED: [(Asked, [Expected; 6]); 13] = {
    use Expected::{BadRequest, Forbidden, LockedUnlessRead, NoOrganization, NotAPerson, NotAsked, Ok, Unauthorized};
    [   //                     public      self          platform          permission        internal      without caller
        (Asked::Nobody,         [Ok,         Unauthorized, Unauthorized,     Unauthorized,     Unauthorized, Unauthorized]),
        (Asked::PeerAlone,      [Ok,         Unauthorized, Unauthorized,     Unauthorized,     Unauthorized, Ok]),
        (Asked::NoPermission,   [Ok,         Ok,           Forbidden,        Forbidden,        Unauthorized, Unauthorized]),
        (Asked::AllButDeclared, [NotAsked,   NotAsked,     Forbidden,        Forbidden,        NotAsked,     NotAsked]),
        (Asked::OnlyDeclared,   [NotAsked,   NotAsked,     Ok,               Ok,               NotAsked,     NotAsked]),
        (Asked::Everything,     [Ok,         Ok,           Ok,               Ok,               Unauthorized, Unauthorized]),
        (Asked::WrongPeer,      [Ok,         Ok,           Ok,               Ok,               Forbidden,    Forbidden]),
        (Asked::RightPeer,      [Ok,         Ok,           Forbidden,        Forbidden,        Ok,           Ok]),
        (Asked::NoOrganization, [Ok,         Ok,           Ok,               NoOrganization,   NotAsked,     NotAsked]),
        (Asked::Suspended,      [Ok,         Ok,           Ok,               LockedUnlessRead, Ok,           NotAsked]),
        (Asked::NotAPerson,     [Ok,         NotAPerson,   NotAsked,         NotAsked,         NotAsked,     NotAsked]),
        (Asked::GarbageInside,  [BadRequest, BadRequest,   BadRequest,       BadRequest,       BadRequest,   BadRequest]),
        (Asked::GarbageOutside, [BadRequest, Unauthorized, Forbidden,        Forbidden,        Forbidden,    Forbidden]),
    ]
};

/// Prints what was found, and fails with everything that is wrong, not the first of it.
#[expect(clippy::print_stdout, reason = "the table is what these tests are for")]
fn conclude(title: &str, lines: &[String], failures: &[String]) {
    println!("\n{title}\n");
    for line in lines {
        println!("{line}");
    }
    assert!(
        failures.is_empty(),
        "{} of it are wrong:\n  {}",
        failures.len(),
        failures.join("\n  ")
    );
}

#[tokio::test]
async fn every_rpc_answers_those_whom_its_access_names_and_nobody_else() {
    let stage = Stage::start().await;
    let (mut lines, mut failures) = (Vec::new(), Vec::new());
    for (asked, expected) in EXPECTED {
        let by_kind = ROWS.iter().zip(expected).map(|(kind, answer)| format!("{kind} {answer:?}"));
        lines.push(format!("{asked:?}: {}", by_kind.collect::<Vec<_>>().join(", ")));
    }

    for method in stage.methods() {
        let marks = door::ask(&stage, method, &mut failures).await;
        let way = stage.way(method, &stage.founder).await.unwrap_or_default();
        let steps: Vec<_> = way.steps.iter().map(|step| step.descriptor.name()).collect();
        let after =
            if steps.is_empty() { String::new() } else { format!(" after {}", steps.join(", ")) };
        lines.push(format!("{:<62}{:<15}{marks}{after}", method.path, ROWS[door::kind(method)]));
    }

    let cells: usize = stage.methods().map(|method| asked_of(door::kind(method))).sum();
    conclude(&format!("{cells} cells at the door"), &lines, &failures);
}

fn asked_of(kind: usize) -> usize {
    EXPECTED.iter().filter(|(_, expected)| expected[kind] != Expected::NotAsked).count()
}

#[tokio::test]
async fn ids_of_another_organisation_are_as_unknown_as_ids_of_nothing() {
    let stage = Stage::start().await;
    let (mut lines, mut failures) = (Vec::new(), Vec::new());
    let foreign = ids::Foreign::arrange(&stage).await;
    let before = stage.rows(Some(foreign.organization())).await;

    for method in stage.methods() {
        ids::probe(&stage, &foreign, method, &mut lines, &mut failures).await;
    }

    let after = stage.rows(Some(foreign.organization())).await;
    conclude(&format!("{} ids of another organisation", lines.len()), &lines, &failures);
    assert_eq!(before, after, "the other organisation's rows changed");
}

#[tokio::test]
async fn every_rule_of_every_request_is_enforced() {
    let stage = Stage::start().await;
    let (mut lines, mut failures) = (Vec::new(), Vec::new());

    for method in stage.methods() {
        broken::probe(&stage, method, &mut lines, &mut failures).await;
    }

    conclude(&format!("{} broken rules", lines.len()), &lines, &failures);
}

#[tokio::test]
async fn a_request_id_repeats_its_answer_and_belongs_to_one_caller() {
    let stage = Stage::start().await;
    let (mut lines, mut failures) = (Vec::new(), Vec::new());

    for method in stage.methods().filter(|method| method.repeatable) {
        repeat::probe(&stage, method, &mut lines, &mut failures).await;
    }

    conclude(&format!("{} repeatable RPCs", lines.len()), &lines, &failures);
}

#[tokio::test]
async fn an_update_takes_the_fields_that_its_comment_names() {
    let stage = Stage::start().await;

    for method in stage.methods() {
        let Some(mask) = method.descriptor.input().get_field_by_name("update_mask") else {
            continue;
        };
        let file = method.descriptor.parent_service().parent_file();
        let mut named = comments::quoted(&comments::of(&file, mask.path()));
        named.retain(|path| path != "*");
        let way = stage.way(method, &stage.founder).await.unwrap();
        assert_eq!(way.mask, named, "{}", method.path);
    }
}

#[tokio::test]
async fn a_request_that_only_validates_writes_nothing() {
    let stage = Stage::start().await;
    let (mut lines, mut failures) = (Vec::new(), Vec::new());

    for method in stage.methods() {
        repeat::only_validates(&stage, method, &mut lines, &mut failures).await;
    }

    conclude(&format!("{} RPCs that can only validate", lines.len()), &lines, &failures);
}

#[tokio::test]
async fn every_change_leaves_one_audit_record_and_none_when_it_is_rolled_back() {
    let stage = Stage::start().await;
    let (mut lines, mut failures) = (Vec::new(), Vec::new());

    for method in stage.methods().filter(|method| !method.reads) {
        audit::probe(&stage, method, &mut lines, &mut failures).await;
    }

    conclude(&format!("{} RPCs that change something", lines.len()), &lines, &failures);
}

#[tokio::test]
async fn a_change_with_no_audit_record_or_with_two_is_found() {
    let stage = Stage::start().await;
    let method = stage.contract.method("/devsphere.crm.v1.LeadService/CreateLead").unwrap();
    let faults = [
        // Forgets the record.
        "create function platform.forget() returns trigger language plpgsql as 'begin return null; end';
         create trigger forget before insert on platform.audit for each row execute function platform.forget()",
        // Writes it twice.
        "drop trigger forget on platform.audit;
         create function platform.twice() returns trigger language plpgsql as 'begin
             if pg_trigger_depth() = 1 then
                 new.audit_id := gen_random_uuid(); insert into platform.audit select new.*;
             end if;
             return null; end';
         create trigger twice after insert on platform.audit for each row execute function platform.twice()",
    ];

    for fault in faults {
        let (mut lines, mut failures) = (Vec::new(), Vec::new());
        stage.plant(fault).await;
        audit::probe(&stage, method, &mut lines, &mut failures).await;
        assert_eq!((lines.len(), failures.len()), (0, 1), "{fault}");
    }
}

#[tokio::test]
async fn every_rpc_costs_the_round_trips_of_its_kind() {
    let stage = Stage::counted().await;
    let (mut lines, mut failures) = (Vec::new(), Vec::new());
    let helper = trips::helper(&stage).await;

    for method in stage.methods() {
        trips::count(&stage, &helper, method, &mut lines, &mut failures).await;
    }
    trips::count_pages(&stage, &helper, &mut lines, &mut failures).await;

    conclude("SQL round trips: its own service's and, for crm, identity's", &lines, &failures);
}
