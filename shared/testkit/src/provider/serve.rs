//! The server: HTTP/1.1 over loopback, one task for each connection and one for each answer.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use devsphere_boot::Tasks;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::{
    body::{Body, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::mpsc, time::sleep};

use super::{
    Asked, Script,
    record::{Open, Record},
    script::{Content, Turn},
};

type Scripts = Arc<dyn Fn(&Asked) -> Script + Send + Sync>;
type Answer = Response<Either<Full<Bytes>, Streamed>>;

pub(super) fn run(listener: TcpListener, tasks: &Tasks, record: Arc<Record>, scripts: Scripts) {
    let within = tasks.clone();
    tasks.spawn("provider", async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let (tasks, record, scripts) = (within.clone(), record.clone(), scripts.clone());
            let service = service_fn(move |request| {
                let (tasks, record, scripts) = (tasks.clone(), record.clone(), scripts.clone());
                async move { Ok::<_, Infallible>(answer(request, &tasks, &record, &scripts).await) }
            });
            within.spawn("provider", async move {
                // A connection that is cut is what some scripts are for.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
}

async fn answer(
    request: Request<Incoming>,
    tasks: &Tasks,
    record: &Arc<Record>,
    scripts: &Scripts,
) -> Answer {
    let (parts, body) = request.into_parts();
    let asked = match body.collect().await {
        Ok(body) => Asked::read(&parts, &body.to_bytes()),
        Err(_) => None,
    };
    let Some(asked) = asked else {
        let mut lost = Response::new(Either::Left(Full::default()));
        *lost.status_mut() = StatusCode::NOT_FOUND;
        return lost;
    };
    let (asked, open) = record.begin(asked);
    let script = scripts(&asked);
    sleep(script.late).await;
    let mut response = Response::builder().status(script.status);
    for (name, value) in &script.headers {
        response = response.header(name, value);
    }
    let kind = match &script.content {
        Content::Answer(answer) if answer.is_whole => Some("application/json"),
        _ if script.headers.iter().any(|(name, _)| name == "content-type") => None,
        _ => Some("text/event-stream; charset=utf-8"),
    };
    if let Some(kind) = kind {
        response = response.header("content-type", kind);
    }
    let (events, frames) = mpsc::channel(1);
    tasks.spawn("provider answer", async move {
        // Whoever left hears nothing more.
        let _ = play(&script, &asked, &events).await;
    });
    response.body(Either::Right(Streamed { frames, open })).unwrap()
}

struct Left;

impl<T> From<mpsc::error::SendError<T>> for Left {
    fn from(_: mpsc::error::SendError<T>) -> Self {
        Self
    }
}

type Events = mpsc::Sender<Result<Bytes, Cut>>;

async fn play(script: &Script, asked: &Asked, events: &Events) -> Result<(), Left> {
    let (course, turn) = script.course(asked);
    for event in course {
        let bytes = Bytes::from(event);
        if script.is_drip {
            for at in 0..bytes.len() {
                events.send(Ok(bytes.slice(at..=at))).await?;
                sleep(script.pause).await;
            }
        } else {
            events.send(Ok(bytes)).await?;
            sleep(script.pause).await;
        }
    }
    match turn {
        Some(Turn::Cut) => events.send(Err(Cut)).await?,
        Some(Turn::Silence) => events.closed().await,
        _ => {}
    }
    Ok(())
}

/// Why a body ends in the middle.
#[derive(Debug)]
pub(super) struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut by the script")
    }
}

impl std::error::Error for Cut {}

/// The events of an answer, and the note that it is open.
pub(super) struct Streamed {
    frames: mpsc::Receiver<Result<Bytes, Cut>>,
    open: Open,
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let next = self.frames.poll_recv(context);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            self.open.over();
        }
        next.map(|event| event.map(|event| event.map(Frame::data)))
    }
}
