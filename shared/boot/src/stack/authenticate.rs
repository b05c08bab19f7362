//! Authenticate: the assertion becomes a caller, the transport's proof a peer.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use devsphere_auth::{ASSERTION, PEER, Peer};
use devsphere_error::{Error, Result};
use devsphere_proto::{Access, Method};
use http::HeaderMap;
use tonic::transport::server::UdsConnectInfo;

use super::{Shared, refuse};

pub(super) async fn layer(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(peer) = peer(&request) {
        request.extensions_mut().insert(peer);
    }
    let needs_caller = request.extensions().get::<&'static Method>().is_none_or(|method| {
        !matches!(method.access, Access::Public | Access::Internal { without_caller: true, .. })
    });
    if needs_caller {
        let caller = match assertion(request.headers()) {
            Ok(assertion) => shared.verifier.caller(assertion).await,
            Err(error) => Err(error),
        };
        match caller {
            Ok(caller) => request.extensions_mut().insert(caller),
            Err(error) => return refuse(error),
        };
    }
    next.run(request).await
}

/// The one assertion of the call; two of them are none.
fn assertion(headers: &HeaderMap) -> Result<&str> {
    let mut found = headers.get_all(ASSERTION).iter();
    match (found.next(), found.next()) {
        (Some(assertion), None) => assertion.to_str().map_err(|_| Error::Unauthenticated),
        _ => Err(Error::Unauthenticated),
    }
}

/// The calling service, believed only on a socket whose other end runs as our own user.
fn peer(request: &Request) -> Option<Peer> {
    let socket = request.extensions().get::<UdsConnectInfo>()?;
    let uid = socket.peer_cred?.uid();
    let ours = rustix::process::geteuid().as_raw() == uid;
    let mut names = request.headers().get_all(PEER).iter();
    let name = names.next()?.to_str().ok()?;
    (ours && names.next().is_none()).then(|| Peer(name.to_owned()))
}
