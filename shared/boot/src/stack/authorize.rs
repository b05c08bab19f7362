//! Authorize: the caller gets the permit that the method's declared access gives, or none.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use devsphere_auth::{Anonymous, Caller, Facts, Peer, Permit};
use devsphere_error::{Error, Result};
use devsphere_proto::Method;

use super::{Shared, error_of, refuse};

pub(super) async fn layer(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let extensions = request.extensions();
    let asked = (
        extensions.get::<Caller>().cloned(),
        extensions.get::<&'static Method>().copied(),
        extensions.get::<Facts>().cloned(),
    );
    let response = match admit(&mut request) {
        Ok(()) => next.run(request).await,
        Err(error) => refuse(error),
    };
    if let (Some(caller), Some(method), Some(facts)) = &asked
        && let Some(Error::Forbidden(missing)) = error_of(&response)
    {
        shared.notes.denied(caller, method, facts, missing);
    }
    response
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
