//! What surrounds an organisation: its settings, its agents and whom they ask, what waits for a
//! decision, the log of who did what, names of records, and who sees what.

mod access;
mod agent;
mod ai_provider;
mod approval;
mod audit;
mod modules;
mod people;
mod resolve;
mod settings;

use devsphere_auth::Caller;
use devsphere_boot::{Ctx, MESSAGE_LIMIT, Module, Renewer, Service, export::Exporter};
use devsphere_db::Schema;
use devsphere_error::{Error, Result};
use devsphere_proto::administration::v1::{
    access_service_server::AccessServiceServer, agent_service_server::AgentServiceServer,
    ai_provider_service_server::AiProviderServiceServer,
    approval_service_server::ApprovalServiceServer, audit_service_server::AuditServiceServer,
    resolve_service_server::ResolveServiceServer, settings_service_server::SettingsServiceServer,
};
use sqlx::migrate::Migrator;
use uuid::Uuid;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Everything the mesh needs to run this module.
pub const MODULE: Module =
    Module { schema: Schema { name: "administration", migrations: &MIGRATIONS }, service };

fn service(ctx: &Ctx) -> Result<Service> {
    macro_rules! limited {
        ($server:ident, $handlers:expr) => {
            $server::new($handlers)
                .max_decoding_message_size(MESSAGE_LIMIT)
                .max_encoding_message_size(MESSAGE_LIMIT)
        };
    }
    let (verifier, renewal) = (ctx.verifier()?, ctx.renewal()?);
    let exporter = Exporter::new(ctx, Renewer::new(verifier.clone(), renewal.clone()));
    let modules = modules::Modules::new(ctx);
    Service::of(ctx, verifier, renewal)
        .add(limited!(AuditServiceServer, audit::AuditRecords::new(ctx, exporter)?))
        .add(limited!(AgentServiceServer, agent::Agents::new(ctx)))
        .add(limited!(AiProviderServiceServer, ai_provider::AiProviders::new(ctx)?))
        .add(limited!(ApprovalServiceServer, approval::Approvals::new(ctx, modules.clone())?))
        .add(limited!(SettingsServiceServer, settings::SettingsOf::new(ctx)))
        .add(limited!(ResolveServiceServer, resolve::Resolver::new(ctx, modules.clone())))
        .add(limited!(AccessServiceServer, access::Accesses::new(ctx, modules)?))
        .build()
}

/// The caller's organisation, which everybody with a permission stands in.
fn organization(caller: &Caller) -> Result<Uuid> {
    let organization = caller.organization().map(|organization| organization.id);
    organization.ok_or_else(|| Error::internal("no organisation behind a permission"))
}
