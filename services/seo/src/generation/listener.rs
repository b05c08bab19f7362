//! Whoever waits for a draft: told how far it is as often as they listen, and always how it ends.

use devsphere_proto::{
    seo::v1::{self as pb, generate_draft_response::Event},
    r#type::v1::GenerationProgress,
};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tonic::Status;

/// What a slow listener may be behind; the last place is for how it ends.
const ROOM: usize = 8;

type Said = Result<pb::GenerateDraftResponse, Status>;

/// The way to a listener, who never keeps an agent waiting.
pub(super) struct Listener {
    sender: Sender<Said>,
    /// What found no room.
    behind: Option<GenerationProgress>,
    has_ended: bool,
}

impl Listener {
    /// A listener who hears first what has begun.
    pub(super) fn begin(started: pb::GenerationStarted) -> (Self, Receiver<Said>) {
        let (sender, receiver) = mpsc::channel(ROOM);
        let listener = Self { sender, behind: None, has_ended: false };
        listener.say(Ok(Event::Started(started)));
        (listener, receiver)
    }

    /// Waits until nobody listens.
    pub(super) fn gone(&self) -> impl Future<Output = ()> + use<> {
        let sender = self.sender.clone();
        async move { sender.closed().await }
    }

    /// Says how far it is, or keeps it for the next time.
    pub(super) fn tell(&mut self, mut progress: GenerationProgress) {
        if let Some(behind) = self.behind.take()
            && progress.outline.is_empty()
        {
            progress.outline = behind.outline;
        }
        if self.sender.capacity() > 1 {
            self.say(Ok(Event::Progress(progress)));
        } else {
            self.behind = Some(progress);
        }
    }

    /// Says how it ends, once.
    pub(super) fn end(&mut self, end: Result<pb::GeneratedDraft, Status>) {
        if !std::mem::replace(&mut self.has_ended, true) {
            self.say(end.map(Event::Draft));
        }
    }

    fn say(&self, event: Result<Event, Status>) {
        let said = event.map(|event| pb::GenerateDraftResponse { event: Some(event) });
        // Whoever has gone hears nothing.
        let _ = self.sender.try_send(said);
    }
}

#[cfg(test)]
mod tests {
    use devsphere_proto::r#type::v1::Heading;

    use super::*;

    fn progress(percent: i32) -> GenerationProgress {
        GenerationProgress { percent, ..GenerationProgress::default() }
    }

    fn heard(receiver: &mut Receiver<Said>) -> Vec<Event> {
        let mut heard = Vec::new();
        while let Ok(said) = receiver.try_recv() {
            heard.extend(said.unwrap().event);
        }
        heard
    }

    #[test]
    fn a_listener_who_sleeps_misses_progress_but_neither_the_outline_nor_the_end() {
        let (mut listener, mut receiver) = Listener::begin(pb::GenerationStarted::default());
        let outline = vec![Heading { level: 2, text: "Prices".into() }];

        (0..50).for_each(|percent| listener.tell(progress(percent)));
        listener.tell(GenerationProgress { outline: outline.clone(), ..progress(50) });
        listener.tell(progress(51));
        let first = heard(&mut receiver);
        listener.tell(progress(52));
        listener.end(Ok(pb::GeneratedDraft::default()));
        listener.end(Err(Status::aborted("a second end")));
        let second = heard(&mut receiver);

        assert_eq!(first.len(), ROOM - 1);
        assert_eq!(first[0], Event::Started(pb::GenerationStarted::default()));
        let caught_up = GenerationProgress { outline, ..progress(52) };
        let end = Event::Draft(pb::GeneratedDraft::default());
        assert_eq!(second, [Event::Progress(caught_up), end]);
    }

    #[test]
    fn there_is_always_room_for_the_end() {
        let (mut listener, mut receiver) = Listener::begin(pb::GenerationStarted::default());
        (0..50).for_each(|percent| listener.tell(progress(percent)));

        listener.end(Ok(pb::GeneratedDraft::default()));

        let end = Event::Draft(pb::GeneratedDraft::default());
        assert_eq!(heard(&mut receiver).last(), Some(&end));
    }

    #[tokio::test]
    async fn it_is_known_when_nobody_listens() {
        let (listener, receiver) = Listener::begin(pb::GenerationStarted::default());
        drop(receiver);

        listener.gone().await;
    }
}
