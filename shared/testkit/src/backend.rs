//! One PostgreSQL for each test binary, with a migrated template that every test copies.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use devsphere_auth::mint::KeyFiles;
use devsphere_boot::Module;
use devsphere_db::{
    Schema,
    cluster::{Cluster, Options, SUPERUSER, copy_template},
    migrate,
};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions,
};

pub(crate) const PASSWORD: &str = "test";
const TEMPLATE: &str = "devsphere";

static RUNNING: LazyLock<Running> = LazyLock::new(Running::start);
static TEMPLATES: tokio::sync::Mutex<Vec<String>> = tokio::sync::Mutex::const_new(Vec::new());
static COUNT: AtomicU32 = AtomicU32::new(0);

struct Running {
    cluster: Cluster,
    folder: PathBuf,
    keys: KeyFiles,
}

/// A database of one test, and the folder for its sockets.
#[derive(Clone)]
pub struct Backend {
    /// Sockets and key files.
    pub folder: PathBuf,
    /// Identity's keys: fresh in each run, so a real service never trusts them.
    pub keys: KeyFiles,
    database: String,
}

impl Backend {
    /// A copy of the migrated template for those modules.
    ///
    /// # Panics
    /// When there is no PostgreSQL to be had.
    pub async fn fresh(modules: &[Module]) -> Self {
        let schemas: Vec<Schema> = modules.iter().map(|module| module.schema).collect();
        let template = template(&schemas).await;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (database, folder) =
            (format!("world_{number}"), RUNNING.folder.join(number.to_string()));
        fs::create_dir_all(&folder).unwrap();
        let mut admin = PgConnection::connect_with(&admin("postgres")).await.unwrap();
        let copy = format!("create database {database} template {template}");
        admin.execute(AssertSqlSafe(copy)).await.unwrap();
        let restrict = format!("revoke all on database {database} from public");
        admin.execute(AssertSqlSafe(restrict)).await.unwrap();
        let roles = schemas
            .iter()
            .map(Schema::role)
            .chain([migrate::SEALER, migrate::BACKUP].map(str::to_owned));
        for role in roles {
            let connect = format!("grant connect on database {database} to {role}");
            admin.execute(AssertSqlSafe(connect)).await.unwrap();
        }
        Self { folder, keys: RUNNING.keys.clone(), database }
    }

    /// An empty database, for tests of the migrations themselves.
    ///
    /// # Panics
    /// As [`Backend::fresh`].
    pub async fn empty() -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (database, folder) =
            (format!("world_{number}"), RUNNING.folder.join(number.to_string()));
        fs::create_dir_all(&folder).unwrap();
        let mut admin = PgConnection::connect_with(&admin("postgres")).await.unwrap();
        admin.execute(AssertSqlSafe(format!("create database {database}"))).await.unwrap();
        Self { folder, keys: RUNNING.keys.clone(), database }
    }

    /// How a role reaches this database, over the cluster's socket.
    pub fn options(&self, role: &str) -> PgConnectOptions {
        RUNNING.cluster.connect_options(role, PASSWORD, &self.database)
    }

    /// The administrator in this database: for arranging and for looking behind, never for a service.
    pub fn admin(&self) -> PgConnectOptions {
        admin(&self.database)
    }

    /// The administrator's address of this database, for processes of their own.
    pub fn url(&self) -> String {
        RUNNING.cluster.url(SUPERUSER, PASSWORD, &self.database)
    }

    /// The port on 127.0.0.1, for whoever counts what goes over the wire.
    pub fn port(&self) -> u16 {
        RUNNING.cluster.port()
    }

    /// The folder of key files.
    pub fn keys_folder(&self) -> PathBuf {
        RUNNING.folder.join("keys")
    }

    /// The password of each role that signs in.
    pub fn passwords(schemas: &[Schema]) -> BTreeMap<String, String> {
        let roles = schemas
            .iter()
            .map(Schema::role)
            .chain([migrate::MIGRATOR, migrate::SEALER, migrate::BACKUP].map(str::to_owned));
        roles.map(|role| (role, PASSWORD.to_owned())).collect()
    }
}

fn admin(database: &str) -> PgConnectOptions {
    RUNNING.cluster.connect_options(SUPERUSER, PASSWORD, database)
}

/// The template database for a set of modules; the first set lies in the cached data directory.
async fn template(schemas: &[Schema]) -> String {
    let names: Vec<_> = schemas.iter().map(|schema| schema.name).collect();
    let name = format!("{TEMPLATE}_{}", names.join("_"));
    let mut ready = TEMPLATES.lock().await;
    if !ready.contains(&name) {
        let mut connection = PgConnection::connect_with(&admin("postgres")).await.unwrap();
        let there = sqlx::query("select from pg_database where datname = $1").bind(&name);
        if there.fetch_optional(&mut connection).await.unwrap().is_none() {
            connection.execute(AssertSqlSafe(format!("create database {name}"))).await.unwrap();
            migrated(&name, schemas).await;
        }
        // The ticket key is this run's own.
        let migrator = RUNNING.cluster.connect_options(migrate::MIGRATOR, PASSWORD, &name);
        migrate::install_ticket_key(&migrator, &RUNNING.keys.ticket).await.unwrap();
        ready.push(name.clone());
    }
    name
}

async fn migrated(database: &str, schemas: &[Schema]) {
    migrate::bootstrap(&admin(database), &Backend::passwords(schemas)).await.unwrap();
    let migrator = RUNNING.cluster.connect_options(migrate::MIGRATOR, PASSWORD, database);
    migrate::migrate(&migrator, schemas).await.unwrap();
}

impl Running {
    /// Starts on a copy of the data directory that earlier runs left, or makes one.
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("devsphere-test-{}", std::process::id()));
        sweep(&std::env::temp_dir());
        fs::create_dir_all(&folder).unwrap();
        let keys = KeyFiles::init(&folder.join("keys")).unwrap();
        devsphere_auth::Vault::init(&folder.join("keys")).unwrap();
        let data = folder.join("postgres");
        let kept = kept();
        fs::create_dir_all(&kept).unwrap();
        let lock = File::create(kept.join("lock")).unwrap();
        lock.lock().unwrap();
        if !kept.join("postgres").exists() {
            let making = folder.join("making");
            Cluster::start(options(&making)).unwrap().stop().unwrap();
            copy_template(&making, &kept.join("postgres")).unwrap();
            fs::remove_dir_all(&making).unwrap();
        }
        copy_template(&kept.join("postgres"), &data).unwrap();
        drop(lock);
        Self { cluster: Cluster::start(options(&data)).unwrap(), folder, keys }
    }
}

fn options(data_dir: &Path) -> Options {
    let mut options = Options::new(data_dir, PASSWORD);
    options.durable = false;
    options
}

/// Where the data directory is kept between runs: beside the build's other products, by the
/// version of what made it.
fn kept() -> PathBuf {
    let target = std::env::current_exe().unwrap();
    let target = target.ancestors().find(|path| path.ends_with("target")).unwrap().to_owned();
    let mut hasher = DefaultHasher::new();
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    target.join("testdb").join(format!("{:016x}", hasher.finish()))
}

/// Removes the folders of runs that are gone.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix("devsphere-test-").and_then(|pid| pid.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            // Another run may sweep at the same time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
