//! Facts: what is known of a request beside its message.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use devsphere_auth::{Attempt, CLIENT_ADDRESS, Facts, REQUEST, USER_AGENT};
use devsphere_error::Error;
use devsphere_proto::Method;
use http::HeaderMap;
use uuid::Uuid;

use super::{Shared, refuse};

/// A client's name of itself is cut to this many characters.
const USER_AGENT_CHARS: usize = 200;

pub(super) async fn layer(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(method) = shared.contract.method(request.uri().path()) else {
        return refuse(Error::UnknownMethod);
    };
    let facts = gather(request.headers());
    request.extensions_mut().insert(facts);
    request.extensions_mut().insert::<&'static Method>(method);
    next.run(request).await
}

fn gather(headers: &HeaderMap) -> Facts {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    Facts {
        trace: text(REQUEST).and_then(|text| text.parse().ok()).unwrap_or_else(Uuid::now_v7),
        address: text(CLIENT_ADDRESS).and_then(|text| text.parse().ok()),
        user_agent: cut(text(USER_AGENT).unwrap_or_default()).into(),
        deadline: None,
        attempt: Attempt::default(),
    }
}

fn cut(name: &str) -> &str {
    name.char_indices().nth(USER_AGENT_CHARS).map_or(name, |(end, _)| &name[..end])
}
