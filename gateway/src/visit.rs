//! One request as the door saw it: from where, from which page, and what its answer will say of both.

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use http::{HeaderMap, HeaderValue, header};

use crate::{
    browser::{Cookies, Site, TOKENS},
    rate::Readings,
};

/// Travels with the request, whatever its protocol.
#[derive(Debug)]
pub(crate) struct Visit {
    /// The client's, as far as anybody whom we trust has said.
    pub(crate) address: IpAddr,
    /// The page behind it.
    pub(crate) site: Site,
    jar: Option<Jar>,
    notes: Mutex<Notes>,
}

/// A browser that keeps the refresh token for its page.
#[derive(Debug)]
struct Jar {
    cookies: Cookies,
    brought: Option<String>,
}

/// What the answer's headers will say.
#[derive(Debug, Default)]
struct Notes {
    readings: Readings,
    cookie: Option<HeaderValue>,
}

impl Visit {
    pub(crate) fn new(
        address: IpAddr,
        site: Site,
        cookies: Option<Cookies>,
        headers: &HeaderMap,
    ) -> Self {
        let wants_body = || headers.get(TOKENS).is_some_and(|tokens| tokens == "body");
        let keeps = match &site {
            Site::Home => true,
            // No cookie of ours comes back from a page on another site.
            Site::Listed(_) => !wants_body(),
            Site::Program | Site::Link | Site::Foreign => false,
        };
        let jar = cookies.filter(|_| keeps).map(|cookies| {
            let brought = cookies.read(headers).map(str::to_owned);
            Jar { cookies, brought }
        });
        Self { address, site, jar, notes: Mutex::default() }
    }

    /// Whether a refresh token goes to the browser, past the page.
    pub(crate) const fn keeps_tokens(&self) -> bool {
        self.jar.is_some()
    }

    /// The refresh token that the browser brought.
    pub(crate) fn token(&self) -> Option<&str> {
        self.jar.as_ref()?.brought.as_deref()
    }

    /// Gives the browser a refresh token to keep.
    pub(crate) fn keep(&self, token: &str) {
        let cookie = self.jar.as_ref().and_then(|jar| jar.cookies.keep(token));
        self.lock().cookie = cookie;
    }

    /// Lets the browser forget it.
    pub(crate) fn forget(&self) {
        let cookie = self.jar.as_ref().and_then(|jar| jar.cookies.forget());
        self.lock().cookie = cookie;
    }

    /// Notes what the meters show.
    pub(crate) fn read<T>(&self, count: impl FnOnce(&mut Readings) -> T) -> T {
        count(&mut self.lock().readings)
    }

    /// Puts what was noted on the answer.
    pub(crate) fn leave(&self, headers: &mut HeaderMap) {
        let notes = self.lock();
        notes.readings.show(headers);
        headers.remove(header::SET_COOKIE);
        if let Some(cookie) = &notes.cookie {
            headers.insert(header::SET_COOKIE, cookie.clone());
        }
    }

    #[cfg(test)]
    pub(crate) fn local() -> std::sync::Arc<Self> {
        let address = std::net::Ipv4Addr::LOCALHOST.into();
        std::sync::Arc::new(Self::new(address, Site::Program, None, &HeaderMap::new()))
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
