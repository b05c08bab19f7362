//! One call's trace through the gateway: its span, its line in the log, its measure.

use std::time::{Duration, Instant};

use devsphere_boot::telemetry;
use devsphere_error::{Error, Failure, Language, localized};
use devsphere_proto::Method;
use http::{HeaderMap, HeaderName, Response, header};
use opentelemetry::{KeyValue, metrics::Histogram};
use tonic::{Code, Status, body::Body};
use tracing::Span;
use uuid::Uuid;

use crate::headers;

/// The client's span, in W3C Trace Context.
const PARENT: HeaderName = HeaderName::from_static("traceparent");

/// Lives as long as the call, and counts it however it ends.
pub(crate) struct Hop {
    pub(crate) request: Uuid,
    pub(crate) span: Span,
    method: Option<&'static Method>,
    language: Language,
    begun: Instant,
    durations: Histogram<f64>,
    code: Code,
}

impl Hop {
    /// Begins the hop of a call of that method, if it is one of ours.
    pub(crate) fn begin(
        method: Option<&'static Method>,
        headers: &HeaderMap,
        durations: &Histogram<f64>,
    ) -> Self {
        let request = Uuid::now_v7();
        let span = match method {
            Some(method) => tracing::info_span!(
                "rpc",
                otel.name = method.path,
                otel.kind = "server",
                rpc.system = "grpc",
                request = %request,
            ),
            // Whoever tries paths must not fill the store of traces.
            None => Span::none(),
        };
        // The parent alone: what else a client says of traces would reach the services.
        let parent = headers.get(PARENT).map(|parent| (PARENT, parent.clone()));
        telemetry::adopt(&span, &HeaderMap::from_iter(parent));
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let language = accepted.map(Language::of).unwrap_or_default();
        let (begun, durations) = (Instant::now(), durations.clone());
        // Until told otherwise: nobody is left to tell when the client goes away.
        Self { request, span, method, language, begun, durations, code: Code::Cancelled }
    }

    /// Notes how the call ended.
    pub(crate) fn end(&mut self, code: Code) {
        self.code = code;
    }

    /// Ends the call before there was an answer.
    pub(crate) fn refuse(mut self, error: &Error) -> Response<Body> {
        let mut response = self.status(error).into_http();
        self.leave(response.headers_mut());
        response
    }

    /// Makes an answer's headers fit for the client.
    pub(crate) fn leave(&self, headers: &mut HeaderMap) {
        headers::leave(headers, self.request);
    }

    /// Ends the call after its answer began.
    pub(crate) fn cut(mut self, error: &Error) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        // What cannot be said leaves the code alone, which is put in first.
        let _ = self.status(error).add_header(&mut trailers);
        trailers
    }

    /// Ends the call with that error: logs what is ours to mend, and renders it with the request's
    /// name and in the client's language.
    pub(crate) fn status(&mut self, error: &Error) -> Status {
        let method = self.method.map_or("unknown", |method| method.path);
        self.span.in_scope(|| match error {
            Error::Internal(source) => tracing::error!(method, %source, "call failed"),
            Error::Unavailable { source: Some(source), cause, .. } => {
                tracing::warn!(method, cause, %source, "call refused");
            }
            _ => {}
        });
        let reads = self.method.is_none_or(|method| method.reads);
        let status = error.status(&self.request.to_string(), Failure::of_method(method, reads));
        self.end(status.code());
        localized(status, self.language)
    }
}

impl Drop for Hop {
    fn drop(&mut self) {
        count(&self.durations, self.method, self.begun.elapsed(), self.code);
    }
}

/// Counts a call, if need be one for which there was no time to begin a hop.
pub(crate) fn count(
    durations: &Histogram<f64>,
    method: Option<&'static Method>,
    took: Duration,
    code: Code,
) {
    let labels = [
        KeyValue::new("service.module", "gateway"),
        KeyValue::new("rpc.method", method.map_or("unknown", |method| method.path)),
        KeyValue::new("rpc.grpc.status_code", i64::from(i32::from(code))),
    ];
    durations.record(took.as_secs_f64(), &labels);
}
