//! Functions, and whatever else of the server a service can reach.

use std::collections::BTreeMap;

use devsphere_auth::TicketFields;
use devsphere_db::migrate;
use devsphere_testkit::Backend;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::{
    MODULES,
    neighbours::{Neighbours, fields},
    thief::{Thief, rows, set},
};

/// What no service may do to the server, whoever its ticket is; each with the SQLSTATE it gets.
const CLOSED: &[(&str, &str)] = &[
    ("set role devsphere_owner", "42501"),
    ("set role devsphere_migrator", "42501"),
    ("set session authorization devsphere_owner", "42501"),
    ("set session_replication_role = replica", "42501"),
    ("set log_statement = 'all'", "42501"),
    ("set local row_security = off; select t::text from identity.member as t", "42501"),
    ("set local row_security = off; select t::text from crm.lead as t", "42501"),
    ("alter table crm.lead no force row level security", "42501"),
    ("alter table identity.member disable row level security", "42501"),
    ("drop policy wall on crm.lead", "42501"),
    ("create policy hole on identity.member using (true)", "42501"),
    ("drop table crm.lead", "42501"),
    ("create table crm.loot (word text)", "42501"),
    ("create table identity.loot (word text)", "42501"),
    ("create table public.loot (word text)", "42501"),
    ("create temporary table loot (word text)", "42501"),
    ("create schema loot", "42501"),
    ("create function crm.loot() returns void language sql return null", "42501"),
    ("create view identity.loot as select 1", "42501"),
    ("create role loot", "42501"),
    ("create publication loot for all tables", "42501"),
    ("create extension dblink", "42501"),
    ("grant devsphere_owner to current_user", "42501"),
    ("alter role current_user bypassrls", "42501"),
    ("alter default privileges for role devsphere_owner grant select on tables to public", "42501"),
    ("copy (select 1) to program 'true'", "42501"),
    ("copy (select 1) to '/tmp/devsphere-loot'", "42501"),
    ("load 'dblink'", "42501"),
    ("select rolpassword from pg_authid", "42501"),
    ("select pg_read_file('PG_VERSION')", "42501"),
    ("select pg_ls_dir('.')", "42501"),
    ("select pg_reload_conf()", "42501"),
    ("select query from pg_stat_activity", "42501"),
    ("select pg_stat_get_backend_activity(1)", "42501"),
    ("select pg_terminate_backend(1)", "42501"),
    ("select pg_cancel_backend(1)", "42501"),
    ("select pg_notify('heard', 'by all')", "42501"),
    ("select pg_advisory_lock(1)", "42501"),
    ("select pg_try_advisory_xact_lock(1, 2)", "42501"),
    ("select pg_sleep(0)", "42501"),
    ("select pg_export_snapshot()", "42501"),
    ("select lo_create(0)", "42501"),
    ("select lo_from_bytea(0, '')", "42501"),
    ("select lo_get(1)", "42501"),
    ("select 1 from pg_largeobject", "42501"),
    ("select pg_create_logical_replication_slot('loot', 'test_decoding')", "42501"),
];

#[tokio::test]
async fn nothing_else_of_the_server_is_open_to_a_service() {
    let neighbours = Neighbours::arrange().await;
    let own = neighbours.ticket(&neighbours.south);

    for mut thief in Thief::of_each_service(&neighbours).await {
        for (statement, code) in CLOSED {
            let outcome = thief.attempt(Some(&own), statement).await;

            assert_eq!(outcome, Err((*code).into()), "{statement} by {}", thief.module);
        }
    }
}

#[tokio::test]
async fn a_service_calls_no_function_of_another_and_no_tool_of_the_owner() {
    let neighbours = Neighbours::arrange().await;
    let own = neighbours.ticket(&neighbours.south);

    for mut thief in Thief::of_each_service(&neighbours).await {
        // None is its own service's to call: they are parts of functions that check, or the operator's.
        let calls = calls(&mut neighbours.world.admin().await, thief.module).await;
        assert!(!calls.is_empty());
        for call in calls {
            let outcome = thief.attempt(Some(&own), &call).await;

            assert_eq!(outcome, Err("42501".into()), "{call} by {}", thief.module);
        }
    }
}

/// A call with nulls of every function that is not meant for that module.
async fn calls(admin: &mut PgConnection, module: &str) -> Vec<String> {
    let modules: Vec<_> = MODULES.iter().map(|module| module.schema.name).collect();
    sqlx::query_scalar(
        "select format('select %s.%s(%s)', n.nspname, p.proname,
                       (select string_agg(format('null::%s', format_type(argument, null)), ', ')
                        from unnest(p.proargtypes) as argument))
         from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
         where n.nspname = any ($1) and n.nspname <> $2
            or n.nspname = 'platform' and p.proname in ('wall', 'narrow', 'purge_organization')
            or n.nspname = $2 and (not p.prosecdef or p.proname = 'purge_demo')",
    )
    .bind(modules)
    .bind(module)
    .fetch_all(admin)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_function_that_asks_for_the_ticket_takes_no_worthless_one() {
    let neighbours = Neighbours::arrange().await;
    let mut admin = neighbours.world.admin().await;
    let code = "update identity.instance set admin_code_hash = '\\x11'";
    sqlx::query(code).execute(&mut admin).await.unwrap();
    let org = neighbours.north.org;
    let platform = [
        "select platform.ticket()::text".to_owned(),
        "select platform.org()::text".into(),
        "select platform.person()::text".into(),
        "select platform.sub()::text".into(),
        "select platform.sees_all(2)::text".into(),
        "select platform.once('method', gen_random_uuid(), '\\x00')::text".into(),
        format!("select platform.answer('method', '{}')::text", neighbours.north.request_id),
        "select platform.record('[]', 'method', gen_random_uuid(), null, null, null)::text".into(),
    ];
    let identity = [
        format!("select identity.own_grant('{org}')::text"),
        "select identity.own_place()::text".into(),
        "select identity.claim_platform_admin('\\x11')::text".into(),
        "select identity.add_member(gen_random_uuid(), gen_random_uuid(), 'thief@example.com', '',
             'ceo', '{}', '\\x22', '1 day')::text"
            .into(),
        "select identity.remove_custom_role(gen_random_uuid(), true)::text".into(),
        format!("select identity.set_organization_limits('{org}', 1)::text"),
    ];

    for mut thief in Thief::of_each_service(&neighbours).await {
        let own: &[String] = if thief.module == "identity" { &identity } else { &[] };
        for (what, ticket, code) in neighbours.worthless() {
            for call in platform.iter().chain(own) {
                let outcome = thief.attempt(ticket.as_deref(), call).await;

                assert_eq!(outcome, Err(code.into()), "{call}, ticket: {what}");
            }
            thief.start_afresh().await;
        }
    }
}

#[tokio::test]
async fn a_request_id_and_its_answer_are_of_one_organisation() {
    let neighbours = Neighbours::arrange().await;
    let mut thieves = Thief::of_each_service(&neighbours).await.into_iter();
    let mut thief = thieves.find(|thief| thief.module == "crm").unwrap();
    let method = "/devsphere.crm.v1.LeadService/CreateLead";
    let taken = neighbours.north.request_id;
    let answer = format!("select platform.answer('{method}', '{taken}')::text");
    let once = format!("select platform.once('{method}', '{taken}', '\\x00')::text");
    let (north, south) =
        (neighbours.ticket(&neighbours.north), neighbours.ticket(&neighbours.south));

    assert_eq!(thief.attempt(Some(&north), &answer).await.map(|shown| shown.len()), Ok(1));
    assert_eq!(thief.attempt(Some(&south), &answer).await, Ok(vec![]));
    assert_eq!(thief.attempt(Some(&north), &once).await, Err("DV004".into()));
    assert_eq!(thief.attempt(Some(&south), &once).await, Ok(vec![String::new()]));
}

#[tokio::test]
async fn what_a_change_leaves_behind_is_stamped_by_the_ticket() {
    let neighbours = Neighbours::arrange().await;
    let mut admin = neighbours.world.admin().await;
    let trace = Uuid::now_v7();
    let forged = format!(
        r#"[{{"name": "lead.won", "noun": "lead", "record_id": "{trace}", "version": 1,
             "org_id": "{north}", "principal_id": "{person}", "before": null, "after": {{}}}}]"#,
        north = neighbours.north.org,
        person = neighbours.north.person,
    );
    let record =
        format!("select platform.record('{forged}', 'method', '{trace}', null, null, null)");
    let own = neighbours.ticket(&neighbours.south);

    for mut thief in Thief::of_each_service(&neighbours).await {
        thief.attempt(Some(&own), &record).await.unwrap();
    }

    let stamps: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "select org_id, principal_id from platform.outbox where trace_id = $1
         union all select org_id, principal_id from platform.audit where trace_id = $1",
    )
    .bind(trace)
    .fetch_all(&mut admin)
    .await
    .unwrap();
    let expected = vec![(neighbours.south.org, neighbours.south.person); 2 * MODULES.len()];
    assert_eq!(stamps, expected);
}

#[tokio::test]
async fn a_ticket_cannot_be_read_off_another_session() {
    let neighbours = Neighbours::arrange().await;
    let north = neighbours.ticket(&neighbours.north);

    for mut thief in Thief::of_each_service(&neighbours).await {
        let mut service = neighbours.connect(thief.module).await;
        let opening =
            format!("rollback; begin; select set_config('devsphere.ticket', '{north}', true)");
        rows(&mut service, &opening).await.unwrap();
        let own = neighbours.ticket(&neighbours.south);

        for view in ["pg_stat_activity", "pg_stat_replication", "pg_stat_ssl"] {
            let seen = thief.attempt(Some(&own), &format!("select t::text from {view} as t")).await;

            assert_eq!(seen, Err("42501".into()), "{view}");
        }
    }
}

#[tokio::test]
async fn a_ticket_changed_within_a_statement_shows_no_colleagues_records() {
    let neighbours = Neighbours::arrange().await;
    let mut admin = neighbours.world.admin().await;
    let (org, seller, colleague) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    // The first row lets the wall look at the good ticket, and the narrowing not yet at its person.
    for owner in [None, Some(colleague)] {
        let insert = "insert into crm.lead (org_id, lead_id, owner_id) values ($1, $2, $3)";
        let insert = sqlx::query(insert).bind(org).bind(Uuid::now_v7()).bind(owner);
        insert.execute(&mut admin).await.unwrap();
    }
    let ticket = |sub, all| {
        let ticket = TicketFields { org: Some(org), sub, all, ..fields(&neighbours.north) };
        neighbours.key().ticket(&ticket).as_str().to_owned()
    };
    let good = ticket(seller, 0);
    let mut service = neighbours.connect("crm").await;
    let mut tx = service.begin().await.unwrap();
    set(&mut tx, &good).await;
    let honest = rows(&mut tx, "select lead_id::text from crm.lead").await;
    assert_eq!(honest.as_ref().map(Vec::len), Ok(1));
    tx.rollback().await.unwrap();

    for better in [ticket(colleague, 0), ticket(seller, u64::from(u32::MAX))] {
        let (signed, _) = better.rsplit_once('.').unwrap();
        let forged = format!("{signed}.AAAA");
        let change = format!("set_config('devsphere.ticket', '{forged}', true)");
        for trick in [
            format!("select lead_id::text, {change} from crm.lead"),
            format!("select lead_id::text from crm.lead where {change} is not null"),
            format!("update crm.lead set note = {change} returning lead_id::text"),
        ] {
            let mut tx = service.begin().await.unwrap();
            set(&mut tx, &good).await;

            let seen = rows(&mut tx, &trick).await;

            assert!(seen == honest || seen == Err("DV002".into()), "{trick}: {seen:?}");
            tx.rollback().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_setting_left_on_a_connection_opens_nothing_for_the_next_caller() {
    let neighbours = Neighbours::arrange().await;
    let north = neighbours.ticket(&neighbours.north);

    for thief in Thief::of_each_service(&neighbours).await {
        let mut service = neighbours.connect(thief.module).await;
        let mut tx = service.begin().await.unwrap();
        set(&mut tx, &north).await;
        tx.commit().await.unwrap();

        for table in &thief.own {
            let select = format!("select t::text from {} as t", table.name);
            let outcome = rows(&mut service, &select).await;

            assert_eq!(outcome, Err("DV002".into()), "{}", table.name);
        }
    }
}

#[tokio::test]
async fn a_bootstrap_closes_a_database_that_was_open() {
    let _with_roles = Backend::fresh(&MODULES).await;
    let backend = Backend::empty().await;
    let mut admin = PgConnection::connect_with(&backend.admin()).await.unwrap();
    let open = "select a.privilege_type::text from pg_database as d,
                    aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
                where d.datname = current_database() and a.grantee = 0
                union all
                select a.privilege_type from pg_namespace as n, aclexplode(n.nspacl) as a
                where n.nspname = 'public' and a.grantee = 0";
    let before = rows(&mut admin, open).await.unwrap();

    migrate::bootstrap(&backend.admin(), &BTreeMap::new()).await.unwrap();

    let after = rows(&mut admin, open).await.unwrap();
    assert_eq!(before, ["TEMPORARY", "CONNECT", "USAGE"]);
    assert!(after.is_empty(), "{after:?}");
}
