//! The way to identity's feed: one stream at a time, on a channel of its own, opened again when silent.

use std::{sync::Arc, time::Duration};

use devsphere_auth::{PEER, Verifier};
use devsphere_error::{Error, Result};
use devsphere_proto::identity::v1::{
    WatchRevocationsRequest, WatchRevocationsResponse,
    revocation_service_client::RevocationServiceClient,
};
use tokio::time::timeout;
use tonic::{Request, Streaming, metadata::MetadataValue};

use super::{Revocations, SILENCE};
use crate::{Endpoint, channel, peer_error};

/// Between two tries: at first, and at most, so that identity's return is soon noticed.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(800);

impl Revocations {
    /// Listens to identity for as long as the process runs; `own` is who asks. A verifier learns of
    /// new keys on the way.
    pub async fn follow(self, own: &'static str, identity: Endpoint, keys: Option<Arc<Verifier>>) {
        let mut pause = PAUSE;
        let mut told = false;
        loop {
            let ended = self.listen(own, &identity, keys.as_deref()).await;
            if self.live() {
                (pause, told) = (PAUSE, false);
            }
            match ended {
                Err(error) if !told && !self.live() => {
                    told = true;
                    tracing::warn!(service = own, %error, "what is revoked is not known");
                }
                Err(error) => tracing::debug!(service = own, %error, "feed of revocations"),
                Ok(()) => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Follows one stream to its end. A fresh channel: the old one may hang on a dead connection.
    async fn listen(
        &self,
        own: &'static str,
        identity: &Endpoint,
        keys: Option<&Verifier>,
    ) -> Result<()> {
        let mut stream = open(own, identity).await?;
        while let Some(message) = next(&mut stream).await? {
            self.take_in(&message.revocations, message.more);
            if let Some(keys) = keys
                && let Err(error) = keys.learn(&message.key_ids).await
            {
                // The next message tries again.
                tracing::debug!(service = own, %error, "public keys");
            }
        }
        Ok(())
    }
}

async fn open(
    own: &'static str,
    identity: &Endpoint,
) -> Result<Streaming<WatchRevocationsResponse>> {
    let mut request = Request::new(WatchRevocationsRequest {});
    request.metadata_mut().insert(PEER, MetadataValue::from_static(own));
    let mut identity = RevocationServiceClient::new(channel(identity));
    let opened = timeout(SILENCE, identity.watch_revocations(request)).await;
    Ok(opened.map_err(|_| silent())?.map_err(peer_error)?.into_inner())
}

async fn next(
    stream: &mut Streaming<WatchRevocationsResponse>,
) -> Result<Option<WatchRevocationsResponse>> {
    let message = timeout(SILENCE, stream.message()).await;
    message.map_err(|_| silent())?.map_err(peer_error)
}

fn silent() -> Error {
    Error::Unavailable { cause: "peer", message: "identity says nothing", source: None }
}
