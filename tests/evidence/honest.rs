//! What an honest life of the log looks like: late commits, a sealer that was away, a purge.

use devsphere_db::{
    migrate::SEALER,
    seal::{Problem, SealError, SealKey, Sealer, verify},
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use super::history::History;

#[tokio::test]
async fn what_nobody_touched_fits_and_what_is_open_is_counted() {
    let history = History::written(3, 20).await;
    history.write(2, 0).await;

    let report = history.verify().await;

    assert_eq!(report.broken, []);
    assert_eq!((report.sealed, report.chains, report.roots), (3 * 65, 3, 3));
    assert_eq!((report.unsigned, report.unsealed), (3 * 5, 3 * 2));
    assert!(report.unsealed_since.is_some());
}

#[tokio::test]
async fn a_log_that_came_to_an_installation_with_another_key_fits_with_both() {
    let history = History::written(3, 20).await;
    let heir = SealKey::parse(&SealKey::generate().unwrap()).unwrap();
    let heir = heir.after(history.key.line_of_keys(3));
    let (public, file) = (heir.public(), history.world.folder().join("other-roots.log"));
    let sealer = Sealer::new(history.world.backend().options(SEALER), heir, file.clone());

    let mut connection = sealer.connect().await.unwrap();
    let signed = sealer.sign(&mut connection).await.unwrap();

    assert_eq!((signed, sealer.sign(&mut connection).await.unwrap()), (Some(4), None));
    let with_both = verify(&mut connection, &public, Some(&file), None).await.unwrap();
    assert_eq!((with_both.broken, with_both.roots, with_both.unsigned), (vec![], 4, 0));
    let stranger = public.after(Vec::new());
    let alone = verify(&mut connection, &stranger, None, None).await.unwrap();
    let forged: Vec<_> = alone
        .broken
        .iter()
        .filter(|broken| matches!(broken.problem, Problem::Forged { root: 1..=3 }))
        .collect();
    assert_eq!(forged.len(), 3, "{:?}", alone.broken);
}

#[tokio::test]
async fn a_record_that_commits_late_is_sealed_all_the_same() {
    let history = History::empty(1).await;
    let mut late = history.world.admin().await;
    let mut slow = late.begin().await.unwrap();
    let insert = sqlx::query(
        "insert into platform.audit (org_id, action, noun, record_id, principal_kind, principal_id, method, trace_id)
         values ($1, 'lead.created', 'lead', gen_random_uuid(), 'user', gen_random_uuid(), '/', gen_random_uuid())",
    );
    slow.execute(insert.bind(history.organizations[0])).await.unwrap();
    history.write(5, 0).await;

    assert_eq!(history.seal().await, 5);
    slow.commit().await.unwrap();
    assert_eq!(history.seal().await, 1);

    let report = history.verify().await;
    assert_eq!((report.broken.len(), report.sealed, report.unsealed), (0, 6, 0));
}

#[tokio::test]
async fn a_sealer_that_was_away_goes_on_where_it_was_and_two_never_work_at_once() {
    let history = History::written(2, 20).await;
    history.write(3_000, 0).await;
    let mut one = history.sealer.connect().await.unwrap();
    let mut tx = one.begin().await.unwrap();
    let turn = sqlx::query_scalar::<_, bool>("select platform.sealer_turn()");
    assert!(turn.fetch_one(&mut *tx).await.unwrap());

    assert_eq!(history.seal().await, 0);
    assert_eq!(history.sign().await, None);
    tx.rollback().await.unwrap();
    assert_eq!(history.seal().await, 6_000);
    assert_eq!((history.sign().await, history.sign().await), (Some(4), None));

    let report = history.verify().await;
    assert_eq!((report.broken.len(), report.unsigned, report.unsealed), (0, 0, 0));
}

#[tokio::test]
async fn a_purged_organisation_leaves_the_others_whole() {
    let history = History::written(3, 20).await;
    let mut admin = history.world.admin().await;
    let gone = history.organizations[1];

    let purge = sqlx::query("select platform.purge_organization($1)").bind(gone);
    admin.execute(purge).await.unwrap();

    let left = "select (select count(*) from platform.audit where org_id = $1)
                     + (select count(*) from platform.audit_seal where org_id = $1)
                     + (select count(*) from platform.audit_unsealed where org_id = $1)";
    let left: i64 = sqlx::query_scalar(left).bind(gone).fetch_one(&mut admin).await.unwrap();
    // Before the purge itself is sealed; after; and when a late note came for who is gone.
    let unsealed = history.verify().await;
    history.seal().await;
    history.sign().await;
    let sealed = history.verify().await;
    history.write(2, 0).await;
    history.seal().await;
    history.sign().await;
    let late = history.verify().await;

    assert_eq!(left, 0);
    assert_eq!((unsealed.broken, unsealed.chains), (vec![], 2));
    assert_eq!((sealed.broken, sealed.chains), (vec![], 3));
    assert_eq!((late.broken, late.chains), (vec![], 4));
}

#[tokio::test]
async fn an_organisation_that_went_without_a_purge_is_missed() {
    let history = History::written(3, 20).await;
    let gone = history.organizations[1];
    let mut admin = history.world.admin().await;

    for table in ["audit", "audit_seal"] {
        let delete = format!("delete from platform.{table} where org_id = '{gone}'");
        admin.execute(sqlx::raw_sql(AssertSqlSafe(delete))).await.unwrap();
    }

    let report = history.verify().await;
    let problems: Vec<_> =
        report.broken.iter().map(|broken| (broken.chain, broken.problem.clone())).collect();
    let cut = Problem::Cut { root: 1, signed: 20 };
    assert_eq!(problems, [(Some(gone), cut), (Some(gone), Problem::Head { position: 65 })]);
}

#[tokio::test]
async fn the_file_catches_up_and_a_file_that_is_ahead_stops_the_signing() {
    let history = History::written(2, 20).await;
    let whole = std::fs::read_to_string(&history.file).unwrap();
    let cut: String = whole.lines().take(1).map(|line| format!("{line}\n")).collect();
    std::fs::write(&history.file, cut).unwrap();

    history.sign().await;

    let caught_up = std::fs::read_to_string(&history.file).unwrap();
    assert!(caught_up.starts_with(&whole) && caught_up.lines().count() == 4, "{caught_up}");
    history
        .world
        .admin()
        .await
        .execute("delete from platform.audit_root where number > 2")
        .await
        .unwrap();
    history.write(1, 0).await;
    history.seal().await;
    let mut connection = history.sealer.connect().await.unwrap();
    let refused = history.sealer.sign(&mut connection).await;
    assert!(matches!(refused, Err(SealError::Tampered(_))), "{refused:?}");
}

#[tokio::test]
async fn the_sealer_can_neither_change_a_record_nor_take_a_seal_back() {
    let history = History::written(1, 20).await;
    let mut connection = history.sealer.connect().await.unwrap();

    for statement in [
        "update platform.audit set action = 'x'",
        "delete from platform.audit",
        "insert into platform.audit select * from platform.audit",
        "update platform.audit_seal set hash = '\\x00'",
        "delete from platform.audit_seal",
        "update platform.audit_root set statement = ''",
        "delete from platform.audit_root",
        "select * from platform.outbox",
        "select * from crm.lead",
    ] {
        let refused = connection.execute(sqlx::raw_sql(statement)).await.unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code()).unwrap();
        assert_eq!(code, "42501", "{statement}");
    }
    assert_eq!(Sealer::seal(&mut connection).await.unwrap(), 0);
}
