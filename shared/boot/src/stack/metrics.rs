//! Metrics: how often and how long, by method and outcome; never by organisation.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use devsphere_proto::Method;
use opentelemetry::{KeyValue, metrics::Histogram};
use tonic::{Code, Status};

use super::Shared;
use crate::telemetry;

/// The duration of calls in seconds; its count is the number of calls.
pub(crate) struct Calls(Histogram<f64>);

impl Calls {
    pub(crate) fn new() -> Self {
        Self(telemetry::durations())
    }
}

pub(super) async fn layer(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let method =
        request.extensions().get::<&'static Method>().map_or("unknown", |method| method.path);
    let begun = Instant::now();
    let response = next.run(request).await;
    let code = response.extensions().get::<Status>().map_or(Code::Ok, Status::code);
    let labels = [
        KeyValue::new("service.module", shared.module),
        KeyValue::new("rpc.method", method),
        KeyValue::new("rpc.grpc.status_code", i64::from(i32::from(code))),
    ];
    shared.calls.0.record(begun.elapsed().as_secs_f64(), &labels);
    response
}
