//! Authenticate: an assertion that was not revoked becomes a caller, the transport's proof a peer.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use devsphere_auth::{ASSERTION, Caller, Facts, PEER, Peer};
use devsphere_error::{Error, Result};
use devsphere_proto::{Access, Method};
use http::HeaderMap;
use uuid::Uuid;

use super::{Shared, refuse};
use crate::{Holder, listen::Proof};

pub(super) async fn layer(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(peer) = peer(&request) {
        request.extensions_mut().insert(peer);
    }
    let method: Option<&'static Method> = request.extensions().get().copied();
    let needs_caller = method.is_none_or(|method| {
        !matches!(method.access, Access::Public | Access::Internal { without_caller: true, .. })
    });
    if !needs_caller {
        return next.run(request).await;
    }
    let holder = match caller(&shared, request.headers()).await {
        Ok(caller) => {
            let holder = Holder::from(&caller);
            request.extensions_mut().insert(caller);
            holder
        }
        Err(error) => return refuse(error),
    };
    if !method.is_some_and(|method| method.streams) {
        return next.run(request).await;
    }
    let trace = request.extensions().get().map_or_else(Uuid::now_v7, |facts: &Facts| facts.trace);
    tokio::select! {
        error = shared.revocations.ended(holder.clone()) => refuse(error),
        response = next.run(request) => {
            response.map(|body| Body::new(shared.revocations.cut(holder, trace, body)))
        }
    }
}

async fn caller(shared: &Shared, headers: &HeaderMap) -> Result<Caller> {
    let caller = shared.verifier.caller(assertion(headers)?).await?;
    shared.revocations.check(&Holder::from(&caller))?;
    Ok(caller)
}

/// The one assertion of the call; two of them are none.
fn assertion(headers: &HeaderMap) -> Result<&str> {
    let mut found = headers.get_all(ASSERTION).iter();
    match (found.next(), found.next()) {
        (Some(assertion), None) => assertion.to_str().map_err(|_| Error::Unauthenticated),
        _ => Err(Error::Unauthenticated),
    }
}

/// The calling service: the one in its certificate, or the one that it says it is, on a socket whose
/// other end runs as our own user.
fn peer(request: &Request) -> Option<Peer> {
    match request.extensions().get()? {
        Proof::Certificate(name) => Some(Peer(name.to_string())),
        Proof::Socket { ours: true } => {
            let mut names = request.headers().get_all(PEER).iter();
            let name = names.next()?.to_str().ok()?;
            names.next().is_none().then(|| Peer(name.to_owned()))
        }
        Proof::Socket { ours: false } | Proof::None => None,
    }
}
