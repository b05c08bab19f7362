//! One call, read top to bottom: admitted, within its time, in somebody's name, and passed on. The one
//! way to a service, whatever the client speaks.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use devsphere_boot::Channel;
use devsphere_error::{Error, Result};
use devsphere_proto::{Access, Method};
use http::{HeaderMap, Response};
use http_body_util::BodyExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tonic::{Code, Status, body::Body};

use crate::{
    answer::Answer,
    browser::{self, Site},
    credential,
    deadline::Deadline,
    exchange::Exchanged,
    headers::{self, Origin},
    outgoing::{self, Load},
    pace::Place,
    router::Front,
    transcode::Deframer,
    upstreams::away,
};

pub(crate) use outgoing::Outgoing;

/// What is asked of a service.
pub(crate) struct Ask<'a> {
    pub(crate) method: &'static Method,
    /// As the client sent them.
    pub(crate) headers: &'a HeaderMap,
    pub(crate) origin: &'a Origin,
    /// How long the client waits, if it says so.
    pub(crate) patience: Option<Duration>,
}

/// Opens a call; `outgoing` is read once it is known who asks.
pub(crate) async fn open(
    front: &Front,
    ask: &Ask<'_>,
    outgoing: impl Future<Output = Result<Outgoing>>,
) -> Result<Answer> {
    front.pace.check(ask.method)?;
    open_checked(front, ask, outgoing).await
}

/// The same where it is certain that there may be a place.
pub(crate) async fn open_checked(
    front: &Front,
    ask: &Ask<'_>,
    outgoing: impl Future<Output = Result<Outgoing>>,
) -> Result<Answer> {
    let deadline = Deadline::of(ask.method, ask.patience, &front.limits);
    let asked = async {
        let channel = front.upstreams.of(ask.method)?;
        let caller = admit(front, ask).await?;
        let outgoing = outgoing.await?;
        let assertion = caller.as_ref().map(|caller| caller.assertion.clone());
        let headers =
            headers::forward(ask.headers, outgoing.is_native, ask.origin, assertion, deadline);
        let (response, slot) = pass(front, ask, channel, headers, outgoing).await?;
        Ok(match caller {
            Some(caller) if ask.method.streams => {
                let (known, holder) = (front.exchange.revocations(), caller.holder.clone());
                let cut = |body| Body::new(known.cut(holder, ask.origin.request, body));
                (response.map(cut), slot)
            }
            _ => (response, slot),
        })
    };
    let (response, slot) = deadline.hold(asked).await?;
    Ok(Answer { response, deadline, slot })
}

/// Lets in who may ask at all and has not asked too often; none where nobody need be known.
async fn admit(front: &Front, ask: &Ask<'_>) -> Result<Option<Arc<Exchanged>>> {
    let Ask { method, headers, origin, .. } = ask;
    let (visit, rate) = (&origin.visit, &front.pace.rate);
    if visit.site == Site::Foreign {
        return Err(Error::Csrf);
    }
    if method.access == Access::Public {
        visit.read(|readings| rate.public(visit.address, readings))?;
        return Ok(None);
    }
    visit.read(|readings| rate.show(visit.address, readings))?;
    let credential = credential::bearer(headers)?;
    let identity = front.upstreams.unary("identity")?;
    let caller = front.exchange.caller(identity, credential, origin).await;
    if caller.as_ref().is_err_and(is_bad_credential) {
        visit.read(|readings| rate.failed(visit.address, readings));
    }
    let caller = caller?;
    visit.read(|readings| rate.call(caller.payer(), readings))?;
    Ok(Some(caller))
}

fn is_bad_credential(error: &Error) -> bool {
    match error {
        Error::Unauthenticated => true,
        Error::Peer(status) => status.code() == Code::Unauthenticated,
        _ => false,
    }
}

/// The service's answer, and what is held as long as it goes on.
async fn pass(
    front: &Front,
    ask: &Ask<'_>,
    channel: Channel,
    headers: HeaderMap,
    outgoing: Outgoing,
) -> Result<(Response<Body>, Option<OwnedSemaphorePermit>)> {
    let (method, visit) = (ask.method, &ask.origin.visit);
    let mut body = outgoing.body;
    if let (Load::Whole(framed), false) = (&body, outgoing.is_native) {
        body = Load::Whole(browser::fill(method, visit, framed.clone())?);
    }
    let place = front.pace.enter(method).await?;
    let begun = Instant::now();
    let response = outgoing::send(channel, method, headers, body, &front.pace.retries).await?;
    let slot = match place {
        Place::Slot(slot) => {
            if has_gone_well(response.headers()) {
                slot.end(method.path, begun);
            }
            None
        }
        Place::Lane(lane) => Some(lane),
    };
    Ok((browser::take(method, visit, response).await?, slot))
}

/// Whether the service has begun to say something, or has nothing to say and that is fine.
fn has_gone_well(headers: &HeaderMap) -> bool {
    headers.get("grpc-status").is_none_or(|code| code == "0")
}

/// One message there, one message back: for what is looked into on its way.
///
/// # Errors
/// The service's refusal as `Peer`.
pub(crate) async fn unary(
    front: &Front,
    ask: &Ask<'_>,
    message: impl Future<Output = Result<Bytes>>,
) -> Result<Bytes> {
    let outgoing = async { Outgoing::message(&message.await?) };
    let Answer { response, deadline, slot: _slot } = open(front, ask, outgoing).await?;
    deadline.hold(gather(response)).await
}

/// The message of an answer that has one.
async fn gather(response: Response<Body>) -> Result<Bytes> {
    let (parts, mut body) = response.into_parts();
    let mut frames = Deframer::default();
    let mut found = None;
    let mut trailers = parts.headers;
    while let Some(read) = body.frame().await {
        match read.map_err(away)?.into_data() {
            Ok(piece) => frames.push(&piece),
            Err(read) => trailers = read.into_trailers().unwrap_or_default(),
        }
        if found.is_none() {
            found = frames.next().map_err(Error::internal)?;
        }
    }
    refusal(&trailers)?;
    match found {
        Some((0, message)) => Ok(message),
        _ => Err(Error::internal("an answer without a plain message")),
    }
}

/// # Errors
/// `Peer` with the status in an answer's trailers, unless it is good.
pub(crate) fn refusal(trailers: &HeaderMap) -> Result<()> {
    match Status::from_header_map(trailers) {
        None => Err(Error::internal("ended without a status")),
        Some(status) if status.code() == Code::Ok => Ok(()),
        Some(status) => Err(Error::Peer(Box::new(status))),
    }
}
