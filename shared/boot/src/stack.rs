//! The one stack between listener and handler, in order; each layer is a function one can read.

mod attempt;
mod authenticate;
mod authorize;
mod deadline;
mod facts;
mod metrics;
mod shed;
mod trace;

use std::sync::Arc;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    response::Response,
};
use devsphere_auth::Verifier;
use devsphere_error::Error;
use devsphere_proto::Contract;
use tokio::sync::Semaphore;
use tonic::Status;
use tower::ServiceBuilder;

pub use deadline::timeout as grpc_timeout;

use crate::{Ctx, Limits, Notes, RenewHandle, Revocations};

/// What the layers share.
pub(crate) struct Shared {
    pub(crate) module: &'static str,
    pub(crate) contract: &'static Contract,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) renewal: RenewHandle,
    pub(crate) revocations: Revocations,
    pub(crate) limits: Limits,
    pub(crate) slots: Semaphore,
    pub(crate) calls: metrics::Calls,
    pub(crate) notes: Notes,
}

impl Shared {
    pub(crate) fn new(
        ctx: &Ctx,
        verifier: Arc<Verifier>,
        renewal: RenewHandle,
        revocations: Revocations,
    ) -> Self {
        let limits = ctx.config.limits.clone();
        Self {
            module: ctx.name,
            contract: ctx.contract,
            verifier,
            renewal,
            revocations,
            slots: Semaphore::new(limits.in_flight),
            limits,
            calls: metrics::Calls::new(),
            notes: ctx.notes().clone(),
        }
    }
}

pub(crate) fn wrap(router: Router, shared: &Arc<Shared>) -> Router {
    router.layer(
        ServiceBuilder::new()
            // Gives the request the name by which logs, errors and peers know it.
            .layer(from_fn_with_state(shared.clone(), facts::layer))
            // Opens the span of this hop; logs a failure once, and puts the name into the answer.
            .layer(from_fn(trace::layer))
            // Counts every call, refused ones too.
            .layer(from_fn_with_state(shared.clone(), metrics::layer))
            // Stops waiting when the caller does, and for nobody longer than the cap.
            .layer(from_fn_with_state(shared.clone(), deadline::layer))
            // Refuses at once what could only be answered late.
            .layer(from_fn_with_state(shared.clone(), shed::layer))
            // Assertion to caller, unless it was revoked, which cuts running streams too; the
            // transport's proof to peer.
            .layer(from_fn_with_state(shared.clone(), authenticate::layer))
            // Caller to permit, by what the contract declares for the method; notes who was refused.
            .layer(from_fn_with_state(shared.clone(), authorize::layer))
            // Keeps the bytes: sends a stored answer, runs a call again that lost to another one.
            .layer(from_fn_with_state(shared.clone(), attempt::layer)),
    )
}

/// A refusal as an HTTP response, with the error left in it for the layers outside.
pub(crate) fn refuse(error: Error) -> Response {
    Status::from(error).into_http()
}

/// The error inside a response, if a handler or a layer of ours refused.
pub(crate) fn error_of(response: &Response) -> Option<&Error> {
    use std::error::Error as _;

    response.extensions().get::<Status>()?.source()?.downcast_ref()
}
