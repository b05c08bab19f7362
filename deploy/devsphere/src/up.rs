//! `devsphere up`: from an empty directory to a mesh that serves, and back without cutting anybody off.

use std::net::SocketAddr;

use anyhow::{Result, bail};
use devsphere_boot::Tasks;

use crate::{
    cli,
    database::Database,
    demo, edge,
    folder::{Folder, Occupied},
    keys,
    mesh::{self, Mesh, Parts},
    migrate, out,
    ready::Ready,
    signals,
    state::State,
};

/// Everything that runs; the lock is let go last.
struct Started {
    mesh: Mesh,
    database: Database,
    folder: Folder,
    ready: Ready,
    _occupied: Occupied,
}

/// The command.
pub(crate) async fn run(args: &cli::Up) -> Result<()> {
    let telemetry = args.common.begin_log(args.otlp_endpoint.clone(), "info,sqlx=warn")?;
    let tasks = Tasks::default();
    let asked = signals::watch(&tasks)?;
    let Some(started) = asked.run_until_cancelled(start(args)).await else {
        return Ok(());
    };
    let started = started?;
    out::say(&if args.json { started.ready.line()? } else { started.ready.text() });

    asked.cancelled().await;
    tracing::info!("stopping; a second signal ends at once");
    State::remove(&started.folder);
    started.mesh.drain().await;
    let closed = started.database.close().await;
    telemetry.end().await;
    closed
}

async fn start(args: &cli::Up) -> Result<Started> {
    check(args)?;
    let listen = mesh::reserve(args.listen)?;
    let edge =
        args.edge.edge(edge::public_url(args.public_url.as_deref(), args.edge.has_tls(), listen));
    edge::check(&edge)?;
    let outside = args.ai.outside(true)?;
    let folder = Folder::open(args.common.data_dir.as_deref())?;
    let occupied = occupy(&folder)?;
    State::remove(&folder);
    let (passwords, ticket) = keys::init(&folder)?;

    let database = match &args.common.database_url {
        Some(url) => Database::at(url)?,
        None => {
            tracing::info!(directory = %folder.postgres().display(), "starting PostgreSQL");
            Database::private(&folder, &passwords).await?
        }
    };
    let admin_code = migrate::apply(&database, &folder, &passwords, &ticket).await?;
    let (gateway_limits, offers_ai) = (args.edge.limits(), outside.offers());
    let parts = Parts {
        folder: &folder,
        database: &database,
        passwords: &passwords,
        listen,
        edge,
        outside,
        gateway_limits,
    };
    let mesh = Mesh::start(&parts).await?;

    let state = state(&folder, mesh.address(), database.url().to_owned());
    state.write(&folder)?;
    if args.demo
        && let Err(error) = demo::seed(&folder, &database, &passwords).await
    {
        // The demo is no reason to keep everybody else's work away.
        tracing::error!("the demo is not seeded: {}", out::whole(&error));
    }
    let people = demo::people(&folder).unwrap_or_default();
    let example = if args.json { None } else { demo::example(&folder, &people).await };
    let has_tls = args.edge.has_tls();
    let ready =
        Ready { state, people, example, admin_code, has_tls, offers_ai, folder: folder.clone() };
    Ok(Started { mesh, database, folder, ready, _occupied: occupied })
}

/// Refuses what would only be noticed late.
fn check(args: &cli::Up) -> Result<()> {
    edge::check_urls(args.public_url.as_deref(), args.otlp_endpoint.as_deref())?;
    let is_secure = args.edge.has_tls()
        || args.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
    if !args.listen.ip().is_loopback() && !is_secure {
        tracing::warn!(
            "passwords cross the network in clear text: give --tls-cert and --tls-key, or put TLS \
             in front of the gateway and name it with --public-url"
        );
    }
    Ok(())
}

fn occupy(folder: &Folder) -> Result<Occupied> {
    match folder.occupy()? {
        Some(occupied) => Ok(occupied),
        None => match State::of_running(folder)? {
            Some(state) => bail!("{} is in use by process {}", folder.path().display(), state.pid),
            None => bail!("{} is in use: try again", folder.path().display()),
        },
    }
}

fn state(folder: &Folder, gateway: SocketAddr, database_url: String) -> State {
    let services = mesh::endpoints(folder).into_iter();
    let listeners = services.map(|(name, endpoint)| (name.to_owned(), endpoint.to_string()));
    let gateway = gateway.to_string();
    State {
        pid: std::process::id(),
        database_url,
        listeners: listeners.chain([("gateway".to_owned(), gateway.clone())]).collect(),
        gateway,
    }
}
