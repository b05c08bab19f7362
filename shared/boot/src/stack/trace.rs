//! Trace: one span per hop, one log line per failure.

use axum::{
    extract::Request,
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use devsphere_auth::Facts;
use devsphere_error::{Error, Failure, Language, localized};
use devsphere_proto::Method;
use tonic::Status;
use tracing::Instrument as _;

use super::error_of;
use crate::{MESSAGE_LIMIT, telemetry};

pub(super) async fn layer(request: Request, next: Next) -> Response {
    let method: Option<&'static Method> = request.extensions().get().copied();
    let trace = request.extensions().get().map(|facts: &Facts| facts.trace);
    let (Some(method), Some(trace)) = (method, trace) else {
        return next.run(request).await;
    };
    let span = tracing::info_span!(
        "rpc",
        otel.name = method.path,
        otel.kind = "server",
        rpc.system = "grpc",
        request = %trace,
    );
    telemetry::adopt(&span, request.headers());
    let language = language(request.headers());
    let response = next.run(request).instrument(span.clone()).await;
    let _in_span = span.enter();
    finish(response, method, &trace.to_string(), language)
}

/// The language that the caller's client asks for.
fn language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    accepted.map(Language::of).unwrap_or_default()
}

/// Logs what is ours to mend, and renders the status once more, now with the request's name.
fn finish(
    response: Response,
    method: &'static Method,
    trace: &str,
    language: Language,
) -> Response {
    let status = match (error_of(&response), response.extensions().get::<Status>()) {
        (Some(error), _) => {
            match error {
                Error::Internal(source) => {
                    tracing::error!(method = method.path, %source, "call failed")
                }
                Error::Unavailable { source: Some(source), cause, .. } => {
                    tracing::warn!(method = method.path, cause, %source, "call refused");
                }
                _ => {}
            }
            error.status(trace, Failure::of_method(method.path, method.reads))
        }
        // What the transport refused: a broken message, a stream cut short.
        (None, Some(status)) => transport(status, trace, method),
        (None, None) => return response,
    };
    localized(status, language).into_http()
}

/// A message that does not decode, in the caller's terms; anything else is a fault of ours.
fn transport(status: &Status, trace: &str, method: &'static Method) -> Status {
    let failure = Failure::of_method(method.path, method.reads);
    let Some(problem) = status.message().strip_prefix("failed to decode Protobuf message: ") else {
        tracing::warn!(method = method.path, code = ?status.code(), message = status.message(), "transport");
        let error = match status.code() {
            tonic::Code::Unimplemented => Error::UnknownMethod,
            tonic::Code::OutOfRange => Error::PayloadTooLarge { limit: MESSAGE_LIMIT },
            tonic::Code::Cancelled => Error::DeadlineExceeded,
            _ => Error::internal(status.message().to_owned()),
        };
        return error.status(trace, failure);
    };
    // `Inner.field: Outer.field: what is wrong`
    let mut field = Vec::new();
    let mut rest = problem;
    while let Some((place, after)) = rest.split_once(": ")
        && let Some((_, name)) = place.split_once('.')
    {
        field.push(name);
        rest = after;
    }
    field.reverse();
    let error = if field.is_empty() {
        Error::BadRequest { cause: "malformed_message", message: "the message does not decode" }
    } else {
        Error::field(
            field.join("."),
            if rest.contains("UTF-8") { "is not UTF-8" } else { "does not decode" },
        )
    };
    error.status(trace, failure)
}
