//! The first turn of a request: by protocol, then to the gateway's own services or onwards.

use std::{net::IpAddr, sync::Arc};

use devsphere_proto::Contract;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use opentelemetry::metrics::Histogram;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tonic::{body::Body, service::Routes};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::{Limits, exchange::Exchange, forward, headers, hop, reflection, upstreams::Upstreams};

/// What every request shares.
pub(crate) struct Front {
    pub(crate) contract: &'static Contract,
    pub(crate) upstreams: Upstreams,
    pub(crate) exchange: Exchange,
    pub(crate) limits: Limits,
    pub(crate) calls: Arc<Semaphore>,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) durations: Histogram<f64>,
    pub(crate) answers: TaskTracker,
    own: Routes,
}

/// What a request speaks.
#[derive(Debug, PartialEq, Eq)]
enum Protocol {
    Grpc,
    Unsupported,
}

impl Front {
    pub(crate) fn new(
        contract: &'static Contract,
        upstreams: Upstreams,
        own: Routes,
        limits: Limits,
    ) -> Self {
        Self {
            contract,
            exchange: Exchange::new(limits.default_deadline),
            upstreams,
            calls: Arc::new(Semaphore::new(limits.calls)),
            streams: Arc::new(Semaphore::new(limits.streams)),
            limits,
            durations: hop::durations(),
            answers: TaskTracker::new(),
            own,
        }
    }

    /// Answers one request of the client at that address.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
        client: IpAddr,
    ) -> Response<Body> {
        match spoken(request.headers()) {
            Protocol::Grpc if reflection::OWN.contains(&service(request.uri().path())) => {
                // Outside the limits of calls: a probe must be answered when everything is busy.
                self.own.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
            }
            Protocol::Grpc => forward::call(self, request, client).await,
            Protocol::Unsupported => unsupported(),
        }
    }
}

fn spoken(headers: &HeaderMap) -> Protocol {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    match (types.next().map(HeaderValue::as_bytes), types.next()) {
        (Some(b"application/grpc" | b"application/grpc+proto"), None) => Protocol::Grpc,
        _ => Protocol::Unsupported,
    }
}

fn service(path: &str) -> &str {
    path.strip_prefix('/').and_then(|path| path.split_once('/')).map_or("", |(service, _)| service)
}

pub(crate) fn unsupported() -> Response<Body> {
    let mut response = Response::new(Body::new("unsupported content-type\n".to_owned()));
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers::leave(response.headers_mut(), Uuid::now_v7());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_content_type_of_grpc_is_grpc_and_nothing_else_is() {
        let of = |types: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in types {
                headers.append(header::CONTENT_TYPE, HeaderValue::from_static(value));
            }
            spoken(&headers)
        };
        assert_eq!(of(&["application/grpc"]), Protocol::Grpc);
        assert_eq!(of(&["application/grpc+proto"]), Protocol::Grpc);
        for other in ["application/grpc-web", "application/grpc+json", "application/json", ""] {
            assert_eq!(of(&[other]), Protocol::Unsupported, "{other}");
        }
        assert_eq!(of(&[]), Protocol::Unsupported);
        assert_eq!(of(&["application/grpc", "application/grpc"]), Protocol::Unsupported);
    }

    #[test]
    fn the_service_is_what_stands_between_the_slashes() {
        assert_eq!(service("/grpc.health.v1.Health/Check"), "grpc.health.v1.Health");
        for none in ["", "/", "*", "/grpc.health.v1.Health", "grpc.health.v1.Health/Check"] {
            assert_eq!(service(none), "", "{none}");
        }
    }
}
