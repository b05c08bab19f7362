//! A database with rows of two organisations is brought to the next build, or left as it was.

use std::{borrow::Cow, collections::BTreeMap};

use devsphere_boot::{Config, Ctx, Limits, Tasks, serve};
use devsphere_db::{Schema, migrate};
use devsphere_error::{Error, Result};
use devsphere_proto::crm::v1::{self as pb, lead_service_client::LeadServiceClient};
use devsphere_testkit::{Org, World};
use sqlx::{
    Executor as _, PgConnection, SqlStr,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

const IDENTITY: Schema = devsphere_identity::MODULE.schema;
const CRM: Schema = devsphere_crm::MODULE.schema;

/// A column that is filled for every row there is, and a table that another column will point to.
const EXPAND: &str = "
    alter table crm.lead add column rating integer, add column client_id uuid;
    update crm.lead set rating = length(display_name);
    create table crm.client (
        org_id uuid not null default platform.claimed_org(), client_id uuid not null,
        primary key (org_id, client_id));
    select platform.wall('crm.client');
    grant select on crm.client to devsphere_crm";

/// Checks what is there only once the key is in place, so that writes go on meanwhile.
const POINT: &str = "
    alter table crm.lead add constraint lead_client_id_fkey
        foreign key (org_id, client_id) references crm.client not valid;
    alter table crm.lead validate constraint lead_client_id_fkey";

/// The crm of a later build: its migrations, and these after them.
fn later(further: &[&'static str]) -> Schema {
    let mut migrations: Vec<Migration> = CRM.migrations.iter().cloned().collect();
    for (version, sql) in (CRM.version() + 1..).zip(further) {
        let (name, kind) = (Cow::Borrowed("further"), MigrationType::Simple);
        migrations.push(Migration::new(version, name, kind, SqlStr::from_static(sql), false));
    }
    let migrator = Migrator::with_migrations(migrations);
    Schema { name: CRM.name, migrations: Box::leak(Box::new(migrator)) }
}

/// A mesh at work whose database the operator can migrate.
async fn world() -> World {
    let world = World::start(&[devsphere_identity::MODULE, devsphere_crm::MODULE]).await;
    // A copied database has what is in its template, but not the rights on the database itself.
    migrate::bootstrap(&world.backend().admin(), &BTreeMap::new()).await.unwrap();
    let connect = "do $$ begin
        execute format('grant connect on database %I to devsphere_migrator', current_database());
    end $$";
    world.admin().await.execute(connect).await.unwrap();
    world
}

async fn upgrade(world: &World, crm: Schema) -> Result<(), migrate::Error> {
    migrate::migrate(&world.backend().options(migrate::MIGRATOR), &[IDENTITY, crm]).await
}

/// An organisation with leads of those names.
async fn org_with<'w>(world: &'w World, name: &str, leads: &[&str]) -> Org<'w> {
    let org = world.org(name).await;
    let mut client = LeadServiceClient::new(org.caller(&["crm.*"]).channel("crm"));
    for name in leads {
        let lead = pb::Lead { display_name: (*name).into(), ..Default::default() };
        let request = pb::CreateLeadRequest { lead: Some(lead), ..Default::default() };
        client.create_lead(request).await.unwrap();
    }
    org
}

/// The names of the leads that an organisation is shown.
async fn names(org: &Org<'_>) -> Vec<String> {
    let mut client = LeadServiceClient::new(org.caller(&["crm.*"]).channel("crm"));
    let request = pb::ListLeadsRequest { order_by: "display_name".into(), ..Default::default() };
    let page = client.list_leads(request).await.unwrap().into_inner();
    page.leads.into_iter().map(|lead| lead.display_name).collect()
}

async fn version(admin: &mut PgConnection) -> i64 {
    let version = sqlx::query_scalar("select platform.schema_version('crm')");
    version.fetch_one(admin).await.unwrap()
}

/// Everything that a migration can change, rows apart.
async fn everything(admin: &mut PgConnection) -> Vec<String> {
    let everything = sqlx::query_scalar(
        "with ours as (
             select oid, nspname, nspacl from pg_namespace where nspname in ('platform', 'identity', 'crm')
         )
         select format('schema %s %s', nspname, nspacl) from ours
         union all
         select format('relation %s %s %s %s %s', oid::regclass, relkind, relrowsecurity, relforcerowsecurity, relacl)
         from pg_class where relnamespace in (select oid from ours)
         union all
         select format('column %s.%s %s %s %s', attrelid::regclass, attname, atttypid::regtype, attnotnull, attacl)
         from pg_attribute where attrelid in (select oid from pg_class where relnamespace in (select oid from ours))
         union all
         select format('function %s %s %s', oid::regprocedure, md5(prosrc), proacl)
         from pg_proc where pronamespace in (select oid from ours)
         union all
         select format('policy %s %s %s %s', polrelid::regclass, polname, polqual, polwithcheck) from pg_policy
         union all select 'platform ' || m::text from platform._migrations as m
         union all select 'identity ' || m::text from identity._migrations as m
         union all select 'crm ' || m::text from crm._migrations as m
         order by 1",
    );
    everything.fetch_all(admin).await.unwrap()
}

#[tokio::test]
async fn a_backfill_fills_every_row_of_every_organisation() {
    let world = world().await;
    let mut admin = world.admin().await;
    let north = org_with(&world, "north", &["Ada", "Bert"]).await;
    let south = org_with(&world, "south", &["Celia", "Dora", "Emil"]).await;

    upgrade(&world, later(&[EXPAND])).await.unwrap();

    let rated: Vec<(String, i64, i64)> = sqlx::query_as(
        "select org_id::text, count(*), count(*) filter (where rating = length(display_name))
         from crm.lead group by org_id",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    let rated: BTreeMap<_, _> =
        rated.into_iter().map(|(org, all, rated)| (org, (all, rated))).collect();
    assert_eq!(
        rated,
        BTreeMap::from([(north.id().to_string(), (2, 2)), (south.id().to_string(), (3, 3))])
    );
}

#[tokio::test]
async fn a_service_of_the_build_before_goes_on_with_its_own_rows() {
    let world = world().await;
    let north = org_with(&world, "north", &["Ada", "Bert"]).await;
    let south = org_with(&world, "south", &["Celia"]).await;
    assert_eq!(names(&north).await, ["Ada", "Bert"]);

    upgrade(&world, later(&[EXPAND])).await.unwrap();

    assert_eq!(names(&north).await, ["Ada", "Bert"]);
    assert_eq!(names(&south).await, ["Celia"]);
    let newcomer = org_with(&world, "west", &["Dora"]).await;
    assert_eq!(names(&newcomer).await, ["Dora"]);
}

#[tokio::test]
async fn a_foreign_key_over_a_broken_row_is_refused_and_leaves_all_as_it_was() {
    let world = world().await;
    let mut admin = world.admin().await;
    let north = org_with(&world, "north", &["Ada"]).await;
    let south = org_with(&world, "south", &["Celia", "Dora"]).await;
    upgrade(&world, later(&[EXPAND])).await.unwrap();
    // A lead of south's points to a client that only north has.
    let client: uuid::Uuid = sqlx::query_scalar(
        "insert into crm.client values ($1, gen_random_uuid()) returning client_id",
    )
    .bind(north.id())
    .fetch_one(&mut admin)
    .await
    .unwrap();
    sqlx::query("update crm.lead set client_id = $1 where display_name = 'Dora'")
        .bind(client)
        .execute(&mut admin)
        .await
        .unwrap();
    let before = everything(&mut admin).await;

    let refused = upgrade(&world, later(&[EXPAND, POINT])).await.unwrap_err();

    assert_eq!(sqlstate(&refused).as_deref(), Some("23503"), "{refused}");
    assert_eq!(everything(&mut admin).await, before);
    assert_eq!(names(&south).await, ["Celia", "Dora"]);

    let mend = sqlx::query("insert into crm.client values ($1, $2)").bind(south.id()).bind(client);
    mend.execute(&mut admin).await.unwrap();
    upgrade(&world, later(&[EXPAND, POINT])).await.unwrap();
    assert_eq!(version(&mut admin).await, CRM.version() + 2);
}

fn sqlstate(error: &migrate::Error) -> Option<String> {
    match error {
        migrate::Error::Migration {
            source: MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _),
            ..
        } => error.as_database_error()?.code().map(Cow::into_owned),
        _ => None,
    }
}

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let world = world().await;
    let mut admin = world.admin().await;
    org_with(&world, "north", &["Ada"]).await;
    let first = everything(&mut admin).await;

    upgrade(&world, CRM).await.unwrap();
    let second = everything(&mut admin).await;
    upgrade(&world, later(&[EXPAND])).await.unwrap();
    let third = everything(&mut admin).await;
    upgrade(&world, later(&[EXPAND])).await.unwrap();

    assert_eq!(first, second);
    assert_ne!(second, third);
    assert_eq!(third, everything(&mut admin).await);
}

#[tokio::test]
async fn a_build_older_than_the_database_does_not_migrate_it() {
    let world = world().await;
    let mut admin = world.admin().await;
    upgrade(&world, later(&[EXPAND])).await.unwrap();
    let before = everything(&mut admin).await;

    let refused = upgrade(&world, CRM).await.unwrap_err();

    let missing = CRM.version() + 1;
    let migrate::Error::Migration { schema, source: MigrateError::VersionMissing(version) } =
        refused
    else {
        panic!("refused, but for another reason: {refused}")
    };
    assert_eq!((schema, version), ("crm", missing));
    assert_eq!(everything(&mut admin).await, before);
}

#[tokio::test]
async fn a_migration_that_was_edited_is_refused() {
    let world = world().await;
    let mut admin = world.admin().await;
    upgrade(&world, later(&[EXPAND])).await.unwrap();
    let before = everything(&mut admin).await;

    let refused = upgrade(&world, later(&["select 1"])).await.unwrap_err();

    let edited = CRM.version() + 1;
    assert!(
        matches!(refused, migrate::Error::Migration { source: MigrateError::VersionMismatch(version), .. } if version == edited),
        "{refused}"
    );
    assert_eq!(everything(&mut admin).await, before);
}

#[tokio::test]
async fn a_service_starts_on_its_own_schema_and_a_later_one_and_on_no_earlier_one() {
    let world = world().await;
    let needed = CRM.version() + 1;
    assert!(start(&world, CRM).await.is_ok());

    let Err(Error::Internal(refused)) = start(&world, later(&[EXPAND])).await else {
        panic!("an older schema was taken")
    };
    assert_eq!(
        refused.to_string(),
        format!(
            "schema crm is at {}, this build needs {needed}: run `devsphere migrate`",
            CRM.version()
        )
    );

    upgrade(&world, later(&[EXPAND])).await.unwrap();
    assert!(start(&world, later(&[EXPAND])).await.is_ok());
    // Services follow the database, one by one.
    assert!(start(&world, CRM).await.is_ok());
}

/// Starts crm as the build that brings that schema.
async fn start(world: &World, schema: Schema) -> Result<()> {
    let backend = world.backend();
    let config = Config {
        listen: devsphere_boot::Listen::Unix(world.folder().join("second.sock")),
        database: backend.options(&schema.role()),
        peers: world.endpoints().clone(),
        public_url: "https://devsphere.test".into(),
        keys: backend.keys_folder(),
        outside: devsphere_egress::Policy::default(),
        offered_ai: None,
        limits: Limits::default(),
    };
    let ctx = Ctx::new(schema, config, Tasks::default())?;
    serve((devsphere_crm::MODULE.service)(&ctx)?).await?.stop().await;
    Ok(())
}
