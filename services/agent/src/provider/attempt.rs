//! One attempt: from the request on the wire to the reply, or to what went wrong and what it cost.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use devsphere_egress as egress;
use http::{StatusCode, header::CONTENT_TYPE};
use tokio::time::timeout_at;

use super::{
    Cause, OnProgress, Progress, Provider, Question, Reply, Usage,
    answer::{Answer, Heard},
    complaint::Complaint,
    hint,
    shape::Shape,
    sse::Events,
    wire::{Decoder, Error},
};

/// The most bytes of an answer on the wire; each character of it may be an event of its own.
const WIRE_LIMIT: u64 = 64 * 1024 * 1024;

/// The most bytes of an error that are read.
const ERROR_LIMIT: usize = 16 * 1024;

/// How long the rest of an error's body may take.
const ERROR_PATIENCE: Duration = Duration::from_secs(5);

/// An attempt that came to nothing.
pub(super) struct Failed {
    pub(super) cause: Cause,
    pub(super) usage: Usage,
    /// Somebody may have seen something of its answer.
    pub(super) has_begun: bool,
    /// What of the request the provider does not take, if that is what it said.
    pub(super) objection: String,
}

/// Why an attempt ends early.
struct Trouble {
    cause: Cause,
    objection: String,
}

impl From<Cause> for Trouble {
    fn from(cause: Cause) -> Self {
        Self { cause, objection: String::new() }
    }
}

/// What one attempt is about.
pub(super) struct Attempt<'a> {
    pub(super) provider: &'a Provider,
    pub(super) question: &'a Question,
    pub(super) shape: Shape,
    pub(super) deadline: Instant,
    /// Counted from 1.
    pub(super) number: u32,
    /// What those before it cost.
    pub(super) spent: Usage,
}

impl Attempt<'_> {
    pub(super) async fn make(&self, progress: OnProgress<'_>) -> Result<Reply, Failed> {
        let request =
            Bytes::from(self.provider.kind.request(self.question, self.shape).to_string());
        let mut answer = Answer::to(request.len());
        let ended = self.converse(request, &mut answer, progress).await;
        let (usage, has_begun) = (answer.usage(), answer.has_begun());
        let reply = match ended {
            Ok(()) => answer.reply(self.question, self.number).map_err(Trouble::from),
            Err(trouble) => Err(trouble),
        };
        reply.map_err(|Trouble { cause, objection }| Failed { cause, usage, has_begun, objection })
    }

    async fn converse(
        &self,
        request: Bytes,
        answer: &mut Answer,
        progress: OnProgress<'_>,
    ) -> Result<(), Trouble> {
        let provider = self.provider;
        let bounds = egress::Bounds { deadline: self.deadline, answer_bytes: WIRE_LIMIT };
        let headers = provider.headers.clone();
        answer.pay();
        self.tell(answer, "", progress);
        let sent = provider.client.post(&provider.target, headers, request, bounds);
        let http = timeout_at(self.until(provider.patience.first).into(), sent).await;
        let mut http = http.map_err(|_| Cause::TimedOut)?.map_err(|failure| {
            if is_unsent(&failure) {
                answer.owe_nothing();
            }
            cause(failure)
        })?;
        if http.status != StatusCode::OK {
            answer.owe_nothing();
            return Err(self.refused(&mut http).await);
        }
        let kind = http.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is = |wanted: &str| kind.is_some_and(|kind| kind.starts_with(wanted));
        if is("text/html") {
            answer.owe_nothing();
            return Err(Cause::Malformed("it is a web page").into());
        }
        let is_whole = is("application/json");
        let mut listener = Listener {
            attempt: self,
            answer,
            progress,
            events: Events::new(),
            decoder: provider.kind.decoder(),
            has_heard: false,
        };
        if is_whole { listener.whole(&mut http).await } else { listener.stream(&mut http).await }
    }

    /// The end of our patience, or of the caller's.
    fn until(&self, patience: Duration) -> Instant {
        self.deadline.min(Instant::now() + patience)
    }

    fn tell(&self, answer: &Answer, delta: &str, progress: OnProgress<'_>) {
        let usage = self.spent + answer.usage();
        progress(Progress { delta, characters: answer.characters(), usage });
    }

    async fn refused(&self, http: &mut egress::Answer) -> Trouble {
        let until = self.until(ERROR_PATIENCE);
        let mut body = Vec::new();
        // What does not come in time, or not whole, is only less of an explanation.
        while let Ok(Ok(Some(bytes))) = timeout_at(until.into(), http.chunk()).await {
            body.extend_from_slice(&bytes);
            if body.len() > ERROR_LIMIT {
                break;
            }
        }
        let complaint = Complaint::read(&body, &self.provider.key);
        let objection = complaint.objection();
        let hint = hint::retry_after(&http.headers, SystemTime::now());
        Trouble { cause: complaint.cause(http.status.as_u16(), hint), objection }
    }
}

/// Listens to one answer.
struct Listener<'a> {
    attempt: &'a Attempt<'a>,
    answer: &'a mut Answer,
    progress: OnProgress<'a>,
    events: Events,
    decoder: Decoder,
    has_heard: bool,
}

impl Listener<'_> {
    async fn stream(&mut self, http: &mut egress::Answer) -> Result<(), Trouble> {
        while let Some(mut bytes) = self.chunk(http).await? {
            while let Some(event) = self.events.next(&mut bytes) {
                self.event(&event.map_err(|_| Cause::Malformed("an event has no end"))?)?;
                if self.answer.is_over() {
                    return Ok(());
                }
            }
        }
        if self.answer.is_whole() { Ok(()) } else { Err(Cause::Cut.into()) }
    }

    /// An answer in one piece, from a server that does not stream.
    async fn whole(&mut self, http: &mut egress::Answer) -> Result<(), Trouble> {
        let mut body = Vec::new();
        while let Some(bytes) = self.chunk(http).await? {
            body.extend_from_slice(&bytes);
        }
        let body = String::from_utf8(body).map_err(|_| Cause::Malformed("it is no text"))?;
        self.event(&body)?;
        if self.answer.is_whole() {
            Ok(())
        } else {
            Err(Cause::Malformed("it is no answer").into())
        }
    }

    async fn chunk(&mut self, http: &mut egress::Answer) -> Result<Option<Bytes>, Cause> {
        let patience = self.attempt.provider.patience;
        let patience = if self.has_heard { patience.silence } else { patience.first };
        let chunk = timeout_at(self.attempt.until(patience).into(), http.chunk()).await;
        match chunk.unwrap_or(Err(egress::Failure::TimedOut)) {
            // All was said: how the connection ends is no matter.
            Err(_) if self.answer.is_whole() => Ok(None),
            chunk => chunk.map_err(cause),
        }
    }

    fn event(&mut self, data: &str) -> Result<(), Trouble> {
        let heard = self.decoder.read(data).map_err(|error| match error {
            Error::Malformed => Cause::Malformed("an event is none of the format"),
            Error::Reported(error) => Complaint::of(&error, &self.attempt.provider.key).late(),
        })?;
        self.has_heard = true;
        for heard in heard {
            let counts = matches!(heard, Heard::Counts(_));
            let shown = self.answer.hear(heard)?;
            if shown.is_some() || counts {
                self.attempt.tell(self.answer, shown.as_deref().unwrap_or_default(), self.progress);
            }
        }
        Ok(())
    }
}

/// The provider never saw the request.
const fn is_unsent(failure: &egress::Failure) -> bool {
    matches!(failure, egress::Failure::Refused(_) | egress::Failure::Unreachable(_))
}

fn cause(failure: egress::Failure) -> Cause {
    match failure {
        egress::Failure::Refused(refusal) => Cause::Blocked(refusal),
        egress::Failure::Unreachable(_) => Cause::Unreachable,
        egress::Failure::TimedOut => Cause::TimedOut,
        egress::Failure::TooLarge => Cause::Malformed("it has no end"),
        _ => Cause::Cut,
    }
}
