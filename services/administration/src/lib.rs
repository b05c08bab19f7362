//! What surrounds an organisation: its settings.

mod settings;

use devsphere_boot::{Ctx, MESSAGE_LIMIT, Module, Service};
use devsphere_db::Schema;
use devsphere_error::Result;
use devsphere_proto::administration::v1::settings_service_server::SettingsServiceServer;
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
    Service::of(ctx, ctx.verifier()?, ctx.renewal()?)
        .add(limited!(SettingsServiceServer, settings::SettingsOf::new(ctx)))
        .build()
}
