//! What surrounds an organisation: its settings, and the log of who did what.

mod audit;
mod people;
mod settings;

use devsphere_boot::{Ctx, MESSAGE_LIMIT, Module, Service, export::Exporter};
use devsphere_db::Schema;
use devsphere_error::Result;
use devsphere_proto::administration::v1::{
    audit_service_server::AuditServiceServer, settings_service_server::SettingsServiceServer,
};
use sqlx::migrate::Migrator;

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
    let exporter = Exporter::new(ctx, verifier.clone(), renewal.clone());
    Service::of(ctx, verifier, renewal)
        .add(limited!(AuditServiceServer, audit::AuditRecords::new(ctx, exporter)?))
        .add(limited!(SettingsServiceServer, settings::SettingsOf::new(ctx)))
        .build()
}
