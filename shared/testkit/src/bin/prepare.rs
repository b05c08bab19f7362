//! Makes the offline data of the checked queries anew: a cluster, the migrations from disk, one build per service.
#![expect(clippy::disallowed_methods, reason = "makes the database that the build asks")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use devsphere_db::{
    Schema,
    cluster::{Cluster, Options, SUPERUSER},
    migrate,
};
use devsphere_testkit::Backend;
use sqlx::{Connection as _, Executor as _, PgConnection, migrate::Migrator};

#[tokio::main]
async fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let folder = env::temp_dir().join(format!("devsphere-prepare-{}", std::process::id()));
    let cluster = {
        let mut options = Options::new(folder.join("postgres"), "test");
        options.durable = false;
        fs::create_dir_all(&folder)?;
        tokio::task::spawn_blocking(move || Cluster::start(options)).await??
    };

    let services = services(&root).await?;
    let admin = cluster.connect_options(SUPERUSER, "test", "postgres");
    PgConnection::connect_with(&admin).await?.execute("create database devsphere").await?;
    let admin = cluster.connect_options(SUPERUSER, "test", "devsphere");
    migrate::bootstrap(&admin, &Backend::passwords(&services)).await?;
    let migrator = cluster.connect_options(migrate::MIGRATOR, "test", "devsphere");
    migrate::migrate(&migrator, &services).await?;

    let url = cluster.url(SUPERUSER, "test", "devsphere");
    for service in &services {
        check(&root.join("services").join(service.name), &url)?;
    }
    cluster.stop()?;
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Every service's schema, with its migrations as they lie on the disk.
async fn services(root: &Path) -> Result<Vec<Schema>> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root.join("services"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    folders.retain(|folder| folder.join("migrations").is_dir());
    folders.sort();
    let mut schemas = Vec::new();
    for folder in folders {
        let name = folder.file_name().and_then(|name| name.to_str()).context("a folder's name")?;
        let migrator = Migrator::new(folder.join("migrations")).await?;
        schemas.push(Schema {
            name: name.to_owned().leak(),
            migrations: Box::leak(Box::new(migrator)),
        });
    }
    Ok(schemas)
}

/// Builds the service against the database; the macros write what they learn into `.sqlx`.
fn check(service: &Path, url: &str) -> Result<()> {
    let data = service.join(".sqlx");
    if data.exists() {
        fs::remove_dir_all(&data)?;
    }
    fs::create_dir_all(&data)?;
    let library = service.join("src/lib.rs");
    fs::File::options().append(true).open(&library)?.set_modified(std::time::SystemTime::now())?;
    let built = Command::new("cargo")
        .args(["build", "--quiet"])
        .current_dir(service)
        .env("DATABASE_URL", url)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", &data)
        .status()?;
    ensure!(built.success(), "{} does not build against the database", service.display());
    Ok(())
}
