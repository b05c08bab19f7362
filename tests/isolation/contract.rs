//! P3: what says nothing about who may call it, or is stronger than it may be, does not start.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::{Ready, ready},
    sync::LazyLock,
    task::{Context, Poll},
    time::Duration,
};

use devsphere_auth::Verifier;
use devsphere_boot::{Config, Ctx, Endpoint, Limits, Listen, Module, Service, Tasks};
use devsphere_db::Database;
use devsphere_egress::Policy;
use devsphere_error::{Error, Result};
use devsphere_proto::{Access, Contract, DESCRIPTORS, PERMISSIONS};
use devsphere_testkit::Backend;
use http::{Request, Response};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage as _, Value};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tonic::{body::Body, server::NamedService};
use tower::Service as TowerService;

use super::MODULES;

const LEADS: &str = "devsphere.crm.v1.LeadService";

/// The contracts as a message that can be changed, options and all.
static CONTRACTS: LazyLock<DynamicMessage> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let set = pool.get_message_by_name("google.protobuf.FileDescriptorSet").unwrap();
    DynamicMessage::decode(set, DESCRIPTORS).unwrap()
});

/// The contracts with the options of one method changed.
fn with_options(path: &str, change: impl FnOnce(&mut DynamicMessage)) -> Vec<u8> {
    let mut set = CONTRACTS.clone();
    let (service, method) = path.trim_start_matches('/').split_once('/').unwrap();
    let (package, service) = service.rsplit_once('.').unwrap();
    let method = list(&mut set, "file")
        .filter(|file| file.get_field_by_name("package").unwrap().as_str() == Some(package))
        .find_map(|file| {
            Some(named(list(named(list(file, "service"), service)?, "method"), method).unwrap())
        })
        .unwrap();
    let mut options = method.get_field_by_name("options").unwrap().as_message().unwrap().clone();
    change(&mut options);
    method.set_field_by_name("options", Value::Message(options));
    set.encode_to_vec()
}

fn list<'m>(
    message: &'m mut DynamicMessage,
    field: &str,
) -> impl Iterator<Item = &'m mut DynamicMessage> {
    let field = message.descriptor().get_field_by_name(field).unwrap();
    let values = message.get_field_mut(&field).as_list_mut().unwrap();
    values.iter_mut().map(|value| value.as_message_mut().unwrap())
}

fn named<'m>(
    mut messages: impl Iterator<Item = &'m mut DynamicMessage>,
    name: &str,
) -> Option<&'m mut DynamicMessage> {
    messages.find(|message| message.get_field_by_name("name").unwrap().as_str() == Some(name))
}

/// Changes what a method says about who may call it.
fn with_access(path: &str, change: impl FnOnce(&mut DynamicMessage)) -> Vec<u8> {
    with_options(path, |options| {
        let access = options
            .descriptor()
            .extensions()
            .find(|field| field.full_name() == "devsphere.options.v1.access")
            .unwrap();
        let Value::Message(mut said) = options.get_extension(&access).into_owned() else {
            unreachable!()
        };
        change(&mut said);
        options.set_extension(&access, Value::Message(said));
    })
}

fn refusal(descriptors: &[u8], permissions: &'static str) -> String {
    let refused = Contract::read(descriptors, permissions).err();
    refused.expect("was not refused").to_string()
}

/// As errors write it.
fn dotted(path: &str) -> String {
    path.trim_start_matches('/').replace('/', ".")
}

#[test]
fn the_contracts_as_they_are_stop_nothing() {
    let unchanged = with_options(&format!("/{LEADS}/GetLead"), |_| {});

    let read = Contract::read(&unchanged, PERMISSIONS).unwrap();

    assert_eq!(read.methods().count(), Contract::get().unwrap().methods().count());
}

#[test]
fn a_method_without_access_stops_the_start_up() {
    for method in Contract::get().unwrap().methods() {
        let silent = with_options(method.path, |options| {
            let access = options
                .descriptor()
                .extensions()
                .find(|field| field.full_name() == "devsphere.options.v1.access");
            options.clear_extension(&access.unwrap());
        });

        let refused = refusal(&silent, PERMISSIONS);

        assert_eq!(refused, format!("{}: declares no access", dotted(method.path)));
    }
}

#[test]
fn a_method_whose_access_is_empty_stops_the_start_up() {
    for method in Contract::get().unwrap().methods() {
        let empty =
            with_access(method.path, |access| *access = DynamicMessage::new(access.descriptor()));

        let refused = refusal(&empty, PERMISSIONS);

        assert!(refused.starts_with(&dotted(method.path)), "{refused}");
    }
}

#[test]
fn a_method_with_two_kinds_of_access_stops_the_start_up() {
    let yes = || Value::Bool(true);
    for method in Contract::get().unwrap().methods() {
        let second = match &method.access {
            Access::Public => ("self", yes()),
            Access::SelfOnly => ("public", yes()),
            Access::Granted { .. } => ("self", yes()),
            Access::Internal { .. } => ("permission", Value::String("crm.leads.read".into())),
        };
        let torn = with_access(method.path, |access| {
            access.set_field_by_name(second.0, second.1);
        });

        let refused = refusal(&torn, PERMISSIONS);

        assert!(refused.starts_with(&dotted(method.path)), "{refused}");
        assert!(refused.contains("several kinds"), "{refused}");
    }
}

#[test]
fn a_permission_without_a_number_stops_the_start_up() {
    let contract = Contract::get().unwrap();
    for method in contract.methods() {
        let Access::Granted { permission: Some(permission), .. } = method.access else { continue };
        let others = PERMISSIONS.lines().filter(|name| *name != permission.name);
        let others: String = others.map(|name| format!("{name}\n")).collect();

        let refused = refusal(DESCRIPTORS, others.leak());

        let missing = format!("{} is not in permissions.txt", permission.name);
        assert!(refused.ends_with(&missing), "{refused}");
    }
}

#[test]
fn a_method_without_a_module_number_stops_the_start_up() {
    let mut set = CONTRACTS.clone();
    for file in list(&mut set, "file") {
        file.clear_field_by_name("options");
    }

    let refused = refusal(&set.encode_to_vec(), PERMISSIONS);

    assert!(refused.ends_with("its file has no module number"), "{refused}");
}

/// A gRPC service by name alone.
#[derive(Clone)]
struct Leads;

impl NamedService for Leads {
    const NAME: &'static str = LEADS;
}

/// One that no contract describes.
#[derive(Clone)]
struct Backdoor;

impl NamedService for Backdoor {
    const NAME: &'static str = "devsphere.crm.v1.BackdoorService";
}

/// One of another module.
#[derive(Clone)]
struct Members;

impl NamedService for Members {
    const NAME: &'static str = "devsphere.identity.v1.MemberService";
}

macro_rules! serves_nothing {
    ($($name:ty),+) => {$(
        impl TowerService<Request<Body>> for $name {
            type Response = Response<Body>;
            type Error = Infallible;
            type Future = Ready<Result<Self::Response, Infallible>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, _: Request<Body>) -> Self::Future {
                ready(Ok(Response::new(Body::empty())))
            }
        }
    )+};
}
serves_nothing!(Leads, Backdoor, Members);

/// What a module is built from.
fn ctx(module: Module, backend: &Backend, role: &str) -> Ctx {
    let socket = |name: &str| backend.folder.join(format!("{name}.sock"));
    let config = Config {
        listen: Listen::Unix(socket(module.schema.name)),
        database: backend.options(role),
        peers: BTreeMap::from([("identity", Endpoint::Unix(socket("identity")))]),
        public_url: "https://devsphere.test".into(),
        keys: backend.keys_folder(),
        outside: Policy::default(),
        offered_ai: None,
        limits: Limits::default(),
    };
    Ctx::new(module.schema, config, Tasks::default()).unwrap()
}

fn cause<T>(outcome: Result<T>) -> String {
    match outcome {
        Err(Error::Internal(source)) => source.to_string(),
        Err(error) => panic!("refused, but for another reason: {error}"),
        Ok(_) => panic!("was not refused"),
    }
}

#[tokio::test]
async fn a_service_serves_what_its_contract_says_no_less_and_no_more() {
    let backend = Backend::fresh(&MODULES).await;
    let ctx = ctx(devsphere_crm::MODULE, &backend, "devsphere_crm");
    let begin = || {
        let verifier = Verifier::new(vec![backend.keys.assertion.public()]);
        Service::of(&ctx, verifier.into(), ctx.renewal().unwrap())
    };

    assert!(begin().add(Leads).build().is_ok());
    assert_eq!(cause(begin().build()), format!("{LEADS} is in the contract but not served"));
    let backdoor = begin().add(Leads).add(Backdoor).build();
    assert_eq!(cause(backdoor), format!("{} is served but in no contract", Backdoor::NAME));
    let stranger = begin().add(Leads).add(Members).build();
    assert_eq!(cause(stranger), format!("{} is served but in no contract", Members::NAME));
}

#[tokio::test]
async fn a_role_stronger_than_a_services_stops_the_start_up() {
    let backend = Backend::fresh(&MODULES).await;
    let mut admin = PgConnection::connect_with(&backend.admin()).await.unwrap();
    let strong = [
        ("plain", ""),
        ("superuser", "alter role plain superuser"),
        ("bypassrls", "alter role plain bypassrls"),
        ("createrole", "alter role plain createrole"),
        ("createdb", "alter role plain createdb"),
        ("replication", "alter role plain replication"),
        ("member", "grant devsphere_owner to plain"),
        ("owner", "create table public.plain (); alter table public.plain owner to plain"),
    ];

    for (name, stronger) in strong {
        // Roles are the server's: each has its own name, so that no other test meets it.
        let role = format!("strong_{name}");
        let make = format!(
            "create role plain login password 'test';
             grant connect on database {database} to plain;
             grant usage on schema platform to plain;
             grant execute on function platform.schema_version to plain; {stronger}",
            database = backend.options("").get_database().unwrap(),
        );
        admin.execute(sqlx::raw_sql(AssertSqlSafe(make.replace("plain", &role)))).await.unwrap();
        let schema = devsphere_crm::MODULE.schema;
        let database = Database::new(schema, backend.options(&role), 1, Duration::from_secs(5));

        let checked = database.check().await;

        match name {
            "plain" => checked.unwrap(),
            _ => {
                assert_eq!(cause(checked), "devsphere_crm is stronger than it should be", "{name}")
            }
        }
        database.close().await;
    }
}

#[tokio::test]
async fn a_service_under_the_migrators_role_does_not_start() {
    let backend = Backend::fresh(&MODULES).await;
    let mut admin = PgConnection::connect_with(&backend.admin()).await.unwrap();
    let connect = "do $$ begin
        execute format('grant connect on database %I to devsphere_migrator', current_database());
    end $$; grant usage on schema platform to devsphere_migrator;
    grant execute on function platform.schema_version to devsphere_migrator";
    admin.execute(sqlx::raw_sql(connect)).await.unwrap();
    let module = devsphere_crm::MODULE;
    let ctx = ctx(module, &backend, "devsphere_migrator");

    let started = devsphere_boot::serve((module.service)(&ctx).unwrap()).await;

    assert_eq!(cause(started), "devsphere_crm is stronger than it should be");
}
