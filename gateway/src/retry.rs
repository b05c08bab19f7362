//! Trying again: reads that found no service, within a budget that keeps a storm from feeding itself.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::Full;
use tonic::{Code, Status, body::Body};
use tower::{
    retry::{
        Policy,
        backoff::{Backoff as _, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff as _},
        budget::{Budget as _, TpsBudget},
    },
    util::rng::HasherRng,
};

/// More attempts after the first.
const MORE: u8 = 2;

/// Of all calls so many may be tried again, and so many a second however few calls there are.
const SHARE: f32 = 0.2;
const A_SECOND: u32 = 10;

/// How long a call counts for the budget.
const MEMORY: Duration = Duration::from_secs(10);

/// How long to wait before trying again: twice as long the second time, and by chance up to half more.
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_millis(100);
const JITTER: f64 = 0.5;

/// What all calls share.
pub(crate) struct Retries {
    budget: Arc<TpsBudget>,
    waits: ExponentialBackoffMaker,
}

impl Retries {
    pub(crate) fn new() -> Self {
        let budget = Arc::new(TpsBudget::new(MEMORY, A_SECOND, SHARE));
        let rng = HasherRng::new();
        // Constants in order, so that the fallback is never taken.
        let waits =
            ExponentialBackoffMaker::new(FIRST_WAIT, LONGEST_WAIT, JITTER, rng).unwrap_or_default();
        Self { budget, waits }
    }

    /// The policy for one call, which counts for the budget with its first attempt.
    pub(crate) fn begin(&self) -> Again {
        self.budget.deposit();
        let waits = self.waits.clone().make_backoff();
        Again { budget: self.budget.clone(), waits, left: MORE }
    }
}

/// One call's further attempts.
#[derive(Clone)]
pub(crate) struct Again {
    budget: Arc<TpsBudget>,
    waits: ExponentialBackoff,
    left: u8,
}

impl<E> Policy<Request<Full<Bytes>>, Response<Body>, E> for Again {
    type Future = tokio::time::Sleep;

    fn retry(
        &mut self,
        _: &mut Request<Full<Bytes>>,
        result: &mut Result<Response<Body>, E>,
    ) -> Option<Self::Future> {
        let failed = result.as_ref().map_or(true, is_unavailable);
        if !failed || self.left == 0 || !self.budget.withdraw() {
            return None;
        }
        self.left -= 1;
        Some(self.waits.next_backoff())
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Some(request.clone())
    }
}

/// Whether the service said so before anything else.
fn is_unavailable(response: &Response<Body>) -> bool {
    response.body().is_end_stream()
        && Status::from_header_map(response.headers())
            .is_some_and(|status| status.code() == Code::Unavailable)
}
