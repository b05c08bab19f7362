//! Sites, keywords, content pieces and their generations, through the wire.

#![expect(clippy::unwrap_used, reason = "what arranges a test fails it")]

mod content_piece;
mod generation;
mod keyword;
mod site;

use devsphere_auth::Role;
use devsphere_boot::Channel;
use devsphere_proto::seo::v1::{
    content_piece_service_client::ContentPieceServiceClient,
    keyword_service_client::KeywordServiceClient, site_service_client::SiteServiceClient,
};
use devsphere_testkit::{Caller, Org, Speak, World};
use prost_types::FieldMask;
use sqlx::Row as _;
use tonic::service::interceptor::InterceptedService;
use uuid::Uuid;

/// What this binary starts.
const MODULES: [devsphere_boot::Module; 2] = [devsphere_identity::MODULE, devsphere_seo::MODULE];

type Sites = SiteServiceClient<InterceptedService<Channel, Speak>>;
type Pieces = ContentPieceServiceClient<InterceptedService<Channel, Speak>>;
type Keywords = KeywordServiceClient<InterceptedService<Channel, Speak>>;

async fn world() -> World {
    World::start(&MODULES).await
}

/// Somebody of the organisation who does content.
async fn writer<'w>(org: &Org<'w>) -> Caller<'w> {
    org.member("signe", Role::Seo).await
}

fn sites(caller: &Caller<'_>) -> Sites {
    SiteServiceClient::new(caller.channel("seo"))
}

fn keywords(caller: &Caller<'_>) -> Keywords {
    KeywordServiceClient::new(caller.channel("seo"))
}

fn pieces(caller: &Caller<'_>) -> Pieces {
    ContentPieceServiceClient::new(caller.channel("seo"))
}

fn request_id() -> String {
    Uuid::new_v4().to_string()
}

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask { paths: paths.iter().map(|path| (*path).into()).collect() })
}

/// The round trips of a call's second run: a statement's first use on a connection costs one more.
async fn cost(world: &World, mut call: impl AsyncFnMut()) -> usize {
    call().await;
    let before = world.counter("seo").round_trips();
    call().await;
    world.counter("seo").round_trips() - before
}

/// The events of the one record there is of that noun, and what the audit log calls them.
async fn traces(world: &World, noun: &str) -> (Vec<String>, Vec<String>) {
    let mut admin = world.admin().await;
    let events = sqlx::query("select name from platform.outbox where noun = $1 order by version");
    let audit =
        sqlx::query("select action from platform.audit where noun = $1 order by create_time");
    let events = events.bind(noun).fetch_all(&mut admin).await.unwrap();
    let audit = audit.bind(noun).fetch_all(&mut admin).await.unwrap();
    let names = |rows: &[sqlx::postgres::PgRow]| rows.iter().map(|row| row.get(0)).collect();
    (names(&events), names(&audit))
}
