//! The door: what every request passes before its protocol is looked at, and every answer after.

use std::{net::IpAddr, sync::Arc};

use devsphere_error::{Error, Result};
use http::{HeaderMap, HeaderValue, Request, Response, Uri, header};
use hyper::body::Incoming;
use tonic::body::Body;

use crate::{
    Limits,
    browser::{Cookies, Origins, Site, allow, harden, is_form, is_preflight, preflight},
    edge::{Edge, Proxies},
    refusal,
    router::Front,
    visit::Visit,
};

/// What stands between the connections and the calls.
pub(crate) struct Door {
    front: Front,
    proxies: Proxies,
    origins: Origins,
    cookies: Option<Cookies>,
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
            cookies: Cookies::of(&public_url),
            is_https: public_url.scheme_str() == Some("https"),
        })
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.front.limits
    }

    pub(crate) const fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Whether calls are refused at the moment because there are too many.
    pub(crate) fn is_shedding(&self) -> bool {
        self.front.pace.is_shedding()
    }

    /// Answers one request that came by a connection of that peer.
    pub(crate) async fn answer(&self, request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        let (method, headers) = (request.method(), request.headers());
        let site = self.origins.site(method, headers);
        if is_preflight(method, headers) {
            return preflight(&site);
        }
        let address = self.proxies.client(peer, headers);
        let visit = Arc::new(Visit::new(address, site, self.cookies, headers));
        let is_native = is_native(headers);
        let mut response = if is_form(method, headers) {
            refusal::plain(headers, &Error::UnsupportedMediaType)
        } else {
            self.front.answer(without_rights(request, &visit.site), &visit).await
        };
        let headers = response.headers_mut();
        visit.leave(headers);
        // A client of native gRPC is no browser: it would only carry the bytes.
        if !is_native {
            allow(&visit.site, headers);
            harden(headers, self.is_https);
        }
        response
    }
}

/// Whoever follows a link to us is nobody; and nothing but the door looks into a cookie.
fn without_rights(mut request: Request<Incoming>, site: &Site) -> Request<Incoming> {
    request.headers_mut().remove(header::COOKIE);
    if *site == Site::Link {
        request.headers_mut().remove(header::AUTHORIZATION);
    }
    request
}

fn is_native(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
    kind.starts_with(b"application/grpc") && !kind.starts_with(b"application/grpc-web")
}
