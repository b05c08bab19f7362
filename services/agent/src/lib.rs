//! AI: writes drafts by asking models of several providers, and counts what it costs.

mod connection;
mod failure;
mod generation;
mod ledger;
pub mod provider;
mod turns;
mod usage;

use devsphere_boot::{Ctx, MESSAGE_LIMIT, Module, Renewer, Service};
use devsphere_db::Schema;
use devsphere_error::Result;
use devsphere_proto::agent::v1::{
    generation_service_server::GenerationServiceServer, usage_service_server::UsageServiceServer,
};
use failure::failed;
use sqlx::migrate::Migrator;
use turns::{Room, Turns};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Everything the mesh needs to run this module.
pub const MODULE: Module =
    Module { schema: Schema { name: "agent", migrations: &MIGRATIONS }, service };

/// Drafts in the making, which mostly wait for a model: in one process, of one organisation, and of one
/// organisation in the queue.
const ROOM: Room = Room { all: 32, each: 4, waiting: 100 };

fn service(ctx: &Ctx) -> Result<Service> {
    let (verifier, renewal) = (ctx.verifier()?, ctx.renewal()?);
    let connections = connection::Connections::new(ctx)?;
    let ledger = ledger::Ledger::new(ctx, Renewer::new(verifier.clone(), renewal.clone()));
    let writer = generation::Writer::new(connections.clone(), ledger.clone(), Turns::new(ROOM));
    let generations = GenerationServiceServer::new(generation::Generations::new(ctx, writer))
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    let usages = UsageServiceServer::new(usage::Usages::new(ctx, connections, ledger))
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    Service::of(ctx, verifier, renewal).add(generations).add(usages).build()
}
