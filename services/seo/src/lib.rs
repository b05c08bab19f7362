//! Search: sites, the phrases that they want to be found with, and texts on their way to them, written by
//! people and by agents.

mod content_piece;
mod deciders;
mod generation;
mod keyword;
mod record;
mod site;
mod web;
mod word;

use devsphere_boot::{Ctx, MESSAGE_LIMIT, Module, Renewer, Service};
use devsphere_db::Schema;
use devsphere_error::Result;
use devsphere_proto::seo::v1::{
    content_piece_service_server::ContentPieceServiceServer,
    generation_service_server::GenerationServiceServer,
    keyword_service_server::KeywordServiceServer, site_service_server::SiteServiceServer,
};
use sqlx::migrate::Migrator;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Everything the mesh needs to run this module.
pub const MODULE: Module =
    Module { schema: Schema { name: "seo", migrations: &MIGRATIONS }, service };

fn service(ctx: &Ctx) -> Result<Service> {
    let (verifier, renewal) = (ctx.verifier()?, ctx.renewal()?);
    let sites = SiteServiceServer::new(site::Sites::new(ctx))
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    let renewer = Renewer::new(verifier.clone(), renewal.clone());
    let generations = generation::Generations::new(ctx, renewer.clone());
    let generations = GenerationServiceServer::new(generations)
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    ctx.tasks().spawn("generations", generation::sweep(ctx.clone()));
    let keywords = keyword::Keywords::new(ctx, renewer);
    let keywords = KeywordServiceServer::new(keywords)
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    let pieces = ContentPieceServiceServer::new(content_piece::ContentPieces::new(ctx)?)
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    let service = Service::of(ctx, verifier, renewal).add(sites).add(keywords).add(pieces);
    service.add(generations).build()
}
