//! Between the contract's words and the domain's. `admit` has applied the rules of the contract.

use devsphere_error::{Error, Result};
use devsphere_ids::{ContentPieceId, GenerationId};
use devsphere_proto::seo::v1 as pb;
use devsphere_rpc::{id, time::timestamp};

use super::{Generation, State};

/// A try to begin, maybe from where an earlier one ended.
pub(super) struct Begin {
    pub(super) content_piece_id: ContentPieceId,
    pub(super) etag: String,
    pub(super) resumed: Option<GenerationId>,
}

impl TryFrom<pb::GenerateDraftRequest> for Begin {
    type Error = Error;

    fn try_from(request: pb::GenerateDraftRequest) -> Result<Self> {
        let resumed = id::optional(&request.resume_generation_id);
        Ok(Self {
            content_piece_id: request
                .content_piece_id
                .parse()
                .map_err(id::bad("content_piece_id"))?,
            etag: request.etag,
            resumed: resumed.map_err(id::bad("resume_generation_id"))?,
        })
    }
}

impl From<Generation> for pb::Generation {
    fn from(generation: Generation) -> Self {
        let outline = generation.outline.map(|outline| outline.0).unwrap_or_default();
        Self {
            generation_id: generation.generation_id.to_string(),
            content_piece_id: generation.content_piece_id.to_string(),
            state: pb::GenerationState::from(generation.state).into(),
            asked_by: generation.asked_by.to_string(),
            failure: generation.failure,
            failure_message: generation.failure_message,
            outline: outline.into_iter().map(|heading| heading.0).collect(),
            version_number: generation.version_number,
            model: generation.model,
            tokens: generation.tokens,
            cost_micros: generation.cost_micros,
            currency_code: generation.currency_code,
            create_time: Some(timestamp(generation.create_time)),
            start_time: generation.start_time.map(timestamp),
            end_time: generation.end_time.map(timestamp),
        }
    }
}

impl From<State> for pb::GenerationState {
    fn from(state: State) -> Self {
        match state {
            State::Queued => Self::Queued,
            State::Running => Self::Running,
            State::Succeeded => Self::Succeeded,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
        }
    }
}
