//! The first turn of a request: by protocol, then to the gateway's own services or onwards.

use std::sync::Arc;

use devsphere_boot::telemetry;
use devsphere_error::{Error, Result};
use devsphere_proto::Contract;
use http::{HeaderMap, Request, Response, Version, header};
use hyper::body::Incoming;
use opentelemetry::metrics::Histogram;
use tokio_util::task::TaskTracker;
use tonic::{body::Body, service::Routes};
use tower::ServiceExt as _;

use crate::{
    Limits, connect,
    exchange::Exchange,
    forward,
    openapi::Documents,
    pace::Pace,
    reflection, refusal, rest,
    upstreams::Upstreams,
    visit::Visit,
    web::{self, Web},
};

/// What every request shares.
pub(crate) struct Front {
    pub(crate) contract: &'static Contract,
    pub(crate) upstreams: Upstreams,
    pub(crate) exchange: Exchange,
    pub(crate) limits: Limits,
    pub(crate) pace: Pace,
    pub(crate) durations: Histogram<f64>,
    pub(crate) answers: TaskTracker,
    pub(crate) routes: rest::Routes,
    pub(crate) documents: Documents,
    own: Routes,
}

/// What a request speaks.
#[derive(Debug, PartialEq, Eq)]
enum Protocol {
    Grpc,
    Web(Web),
    Rest,
    Connect,
}

impl Front {
    pub(crate) fn new(
        contract: &'static Contract,
        upstreams: Upstreams,
        own: Routes,
        exchange: Exchange,
        limits: Limits,
    ) -> Result<Self> {
        Ok(Self {
            contract,
            exchange,
            upstreams,
            pace: Pace::new(contract, &limits),
            limits,
            durations: telemetry::durations(),
            answers: TaskTracker::new(),
            routes: rest::Routes::new(contract),
            documents: Documents::new(contract)?,
            own,
        })
    }

    /// Answers one request.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
        visit: &Arc<Visit>,
    ) -> Response<Body> {
        match spoken(request.uri().path(), request.headers()) {
            Protocol::Grpc if request.version() < Version::HTTP_2 => {
                refusal::plain(request.headers(), &Error::UnsupportedMediaType)
            }
            Protocol::Grpc if reflection::OWN.contains(&service(request.uri().path())) => {
                // Outside the limits of calls: a probe must be answered when everything is busy.
                self.own.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
            }
            Protocol::Grpc => forward::call(self, request, visit).await,
            Protocol::Web(web) => web::call(self, request, visit, web).await,
            Protocol::Rest => rest::call(self, request, visit).await,
            Protocol::Connect => connect::call(self, request, visit).await,
        }
    }
}

fn spoken(path: &str, headers: &HeaderMap) -> Protocol {
    let kind = content_type(headers).unwrap_or_default();
    if matches!(kind, "application/grpc" | "application/grpc+proto") {
        return Protocol::Grpc;
    }
    match Web::spoken(kind.as_bytes()) {
        Some(web) => Protocol::Web(web),
        None if path.starts_with("/api/") => Protocol::Rest,
        None => Protocol::Connect,
    }
}

/// What a body says it is; two words on it are none.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<&str> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    match (types.next(), types.next()) {
        (Some(kind), None) => kind.to_str().ok(),
        _ => None,
    }
}

fn service(path: &str) -> &str {
    path.strip_prefix('/').and_then(|path| path.split_once('/')).map_or("", |(service, _)| service)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_content_type_says_what_is_spoken_and_then_the_path() {
        let of = |path, types: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in types {
                headers.append(header::CONTENT_TYPE, HeaderValue::from_static(value));
            }
            spoken(path, &headers)
        };
        for path in ["/a.B/C", "/api/v1/leads"] {
            assert_eq!(of(path, &["application/grpc"]), Protocol::Grpc);
            assert_eq!(of(path, &["application/grpc+proto"]), Protocol::Grpc);
            assert_eq!(of(path, &["application/grpc-web"]), Protocol::Web(Web::Binary));
            assert_eq!(of(path, &["application/grpc-web-text"]), Protocol::Web(Web::Text));
        }
        for other in [&["application/json"][..], &[], &["application/grpc", "application/grpc"]] {
            assert_eq!(of("/a.B/C", other), Protocol::Connect);
            assert_eq!(of("/api/v1/leads", other), Protocol::Rest);
        }
    }

    #[test]
    fn the_service_is_what_stands_between_the_slashes() {
        assert_eq!(service("/grpc.health.v1.Health/Check"), "grpc.health.v1.Health");
        for none in ["", "/", "*", "/grpc.health.v1.Health", "grpc.health.v1.Health/Check"] {
            assert_eq!(service(none), "", "{none}");
        }
    }
}
