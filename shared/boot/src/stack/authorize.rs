//! Authorize: the caller gets the permit that the method's declared access gives, or none.

use axum::{extract::Request, middleware::Next, response::Response};
use devsphere_auth::{Anonymous, Caller, Facts, Peer, Permit};
use devsphere_error::{Error, Result};
use devsphere_proto::Method;

use super::refuse;

pub(super) async fn layer(mut request: Request, next: Next) -> Response {
    match admit(&mut request) {
        Ok(()) => next.run(request).await,
        Err(error) => refuse(error),
    }
}

fn admit(request: &mut Request) -> Result<()> {
    let extensions = request.extensions_mut();
    let missing = || Error::internal("a layer is missing");
    let method: &'static Method = extensions.get().copied().ok_or_else(missing)?;
    let facts: Facts = extensions.get().cloned().ok_or_else(missing)?;
    let peer: Option<Peer> = extensions.remove();
    match extensions.remove::<Caller>() {
        Some(caller) => {
            let permit = Permit::authorize(caller, method, peer.as_ref(), facts)?;
            extensions.insert(permit);
        }
        None => {
            let anonymous = Anonymous::admit(method, peer.as_ref(), facts)?;
            extensions.insert(anonymous);
        }
    }
    Ok(())
}
