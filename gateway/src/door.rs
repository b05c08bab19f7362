//! The door: what every request passes before its protocol is looked at, and every answer after.

use std::net::IpAddr;

use devsphere_error::{Error, Result};
use http::{HeaderMap, HeaderValue, Request, Response, Uri, header};
use hyper::body::Incoming;
use tonic::body::Body;

use crate::{
    Limits,
    browser::{Origins, Site, allow, harden, is_form, is_preflight, preflight},
    edge::{Edge, Proxies},
    refusal,
    router::Front,
};

/// What stands between the connections and the calls.
pub(crate) struct Door {
    front: Front,
    proxies: Proxies,
    origins: Origins,
    is_https: bool,
}

impl Door {
    /// # Errors
    /// When an address of the configuration is none.
    pub(crate) fn new(front: Front, edge: &Edge) -> Result<Self> {
        let public_url: Uri = edge.public_url.parse().map_err(Error::internal)?;
        Ok(Self {
            front,
            proxies: Proxies::new(edge.trusted_proxies.clone()),
            origins: Origins::new(&public_url, &edge.allowed_origins)?,
            is_https: public_url.scheme_str() == Some("https"),
        })
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.front.limits
    }

    pub(crate) const fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Answers one request that came by a connection of that peer.
    pub(crate) async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        let is_native = is_native(request.headers());
        let site = self.origins.site(request.method(), request.headers());
        if is_preflight(request.method(), request.headers()) {
            return preflight(&site);
        }
        let mut response = self.admit(request, peer, &site).await;
        // A client of native gRPC is no browser: it would only carry the bytes.
        if !is_native {
            allow(&site, response.headers_mut());
            harden(response.headers_mut(), self.is_https);
        }
        response
    }

    async fn admit(
        &self,
        mut request: Request<Incoming>,
        peer: IpAddr,
        site: &Site,
    ) -> Response<Body> {
        if is_form(request.method(), request.headers()) {
            return refusal::plain(request.headers(), &Error::UnsupportedMediaType);
        }
        match site {
            Site::Foreign if is_native(request.headers()) => {
                return refusal::grpc(request.headers(), &Error::Csrf);
            }
            Site::Foreign => return refusal::plain(request.headers(), &Error::Csrf),
            Site::Link => {
                request.headers_mut().remove(header::COOKIE);
                request.headers_mut().remove(header::AUTHORIZATION);
            }
            Site::Program | Site::Home | Site::Listed(_) => {}
        }
        let client = self.proxies.client(peer, request.headers());
        self.front.answer(request, client).await
    }
}

fn is_native(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
    kind.starts_with(b"application/grpc") && !kind.starts_with(b"application/grpc-web")
}
