//! Customer relations: leads.

mod lead;
mod members;
mod money;

use devsphere_boot::{Ctx, MESSAGE_LIMIT, Module, Renewer, Service};
use devsphere_db::Schema;
use devsphere_error::Result;
use devsphere_proto::crm::v1::lead_service_server::LeadServiceServer;
use sqlx::migrate::Migrator;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Everything the mesh needs to run this module.
pub const MODULE: Module =
    Module { schema: Schema { name: "crm", migrations: &MIGRATIONS }, service };

fn service(ctx: &Ctx) -> Result<Service> {
    let (verifier, renewal) = (ctx.verifier()?, ctx.renewal()?);
    let leads = lead::Leads::new(ctx, Renewer::new(verifier.clone(), renewal.clone()))?;
    let leads = LeadServiceServer::new(leads)
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    Service::of(ctx, verifier, renewal).add(leads).build()
}
