//! Load shed: more calls than slots are refused, not queued.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use devsphere_error::Error;

use super::{Shared, refuse};

pub(super) async fn layer(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_slot) = shared.slots.try_acquire() else {
        return refuse(Error::Overloaded);
    };
    next.run(request).await
}
