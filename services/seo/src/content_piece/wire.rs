//! Between the contract's words and the domain's. `admit` has applied the rules of the contract.

use devsphere_auth::Caller;
use devsphere_error::{Check, Error, Result};
use devsphere_ids::{ContentPieceId, PersonId};
use devsphere_proto::{AsJson, seo::v1 as pb, r#type::v1::Content};
use devsphere_rpc::{etag, id, mask::Mask, time::timestamp, trash};
use sqlx::types::Json;

use super::{
    ContentPiece, Draft, Edit, Kind, Plan, State, Verb,
    version::{Origin, Version},
};

/// One piece to create, or to check only.
pub(super) struct Create {
    pub(super) draft: Draft,
    pub(super) validate_only: bool,
}

/// One piece to edit, or to check only.
pub(super) struct Update {
    pub(super) edit: Edit,
    pub(super) validate_only: bool,
}

/// A verb on one piece, with the note where it takes one.
pub(super) struct Step {
    pub(super) content_piece_id: ContentPieceId,
    pub(super) etag: String,
    pub(super) verb: Verb,
    pub(super) note: String,
}

/// A text to add.
pub(super) struct Text {
    pub(super) step: Step,
    pub(super) content: Content,
}

/// An older version to add once more.
pub(super) struct Restore {
    pub(super) step: Step,
    pub(super) number: i32,
}

/// The piece as this caller is shown it.
pub(crate) fn shown(piece: ContentPiece, caller: &Caller) -> pb::ContentPiece {
    message(piece, &Verb::given_by(caller.permissions()), caller)
}

/// The pieces as this caller is shown them, without their briefs.
pub(super) fn all_shown(pieces: Vec<ContentPiece>, caller: &Caller) -> Vec<pb::ContentPiece> {
    let verbs = Verb::given_by(caller.permissions());
    let bare = |piece| ContentPiece { brief: None, ..piece };
    pieces.into_iter().map(|piece| message(bare(piece), &verbs, caller)).collect()
}

fn message(piece: ContentPiece, verbs: &[Verb], caller: &Caller) -> pb::ContentPiece {
    let actions = piece.allowed_actions(verbs, caller);
    pb::ContentPiece {
        allowed_actions: actions.into_iter().map(Into::into).collect(),
        content_piece_id: piece.content_piece_id.to_string(),
        site_id: piece.site_id.to_string(),
        title: piece.title,
        kind: pb::ContentKind::from(piece.kind).into(),
        keyword_ids: piece.keyword_ids.iter().map(ToString::to_string).collect(),
        brief: piece.brief.map(|brief| brief.0.0),
        state: pb::ContentPieceState::from(piece.state).into(),
        version_number: piece.version_number,
        score: piece.score,
        edited_by: text(piece.edited_by),
        submitted_by: text(piece.submitted_by),
        decided_by: text(piece.decided_by),
        decision_note: piece.decision_note,
        generation_failure: piece.generation_failure,
        create_time: Some(timestamp(piece.create_time)),
        update_time: Some(timestamp(piece.update_time)),
        state_time: Some(timestamp(piece.state_time)),
        delete_time: piece.delete_time.map(timestamp),
        purge_time: trash::purge_time(piece.delete_time).map(timestamp),
        etag: etag::of(piece.version),
    }
}

/// What would be created: a piece without id, times and etag.
impl From<Draft> for pb::ContentPiece {
    fn from(Draft { site_id, plan, .. }: Draft) -> Self {
        Self {
            site_id: site_id.to_string(),
            title: plan.title,
            kind: pb::ContentKind::from(plan.kind).into(),
            keyword_ids: plan.keyword_ids.iter().map(ToString::to_string).collect(),
            brief: plan.brief.map(|brief| brief.0.0),
            state: pb::ContentPieceState::Brief.into(),
            ..Self::default()
        }
    }
}

impl From<Version> for pb::ContentVersion {
    fn from(version: Version) -> Self {
        Self {
            content_piece_id: version.content_piece_id.to_string(),
            number: version.number,
            content: version.content.map(|content| content.0.0),
            origin: pb::ContentOrigin::from(version.origin).into(),
            author_id: version.author_id.to_string(),
            note: version.note,
            checks: version.checks.map(|checks| checks.0.0),
            score: version.score,
            create_time: Some(timestamp(version.create_time)),
        }
    }
}

impl From<State> for pb::ContentPieceState {
    fn from(state: State) -> Self {
        match state {
            State::Brief => Self::Brief,
            State::Generating => Self::Generating,
            State::Draft => Self::Draft,
            State::InReview => Self::InReview,
            State::Approved => Self::Approved,
            State::Rejected => Self::Rejected,
        }
    }
}

impl From<Kind> for pb::ContentKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Article => Self::Article,
            Kind::LandingPage => Self::LandingPage,
            Kind::ProductPage => Self::ProductPage,
            Kind::Guide => Self::Guide,
        }
    }
}

impl From<pb::ContentKind> for Kind {
    fn from(kind: pb::ContentKind) -> Self {
        match kind {
            pb::ContentKind::Unspecified | pb::ContentKind::Article => Self::Article,
            pb::ContentKind::LandingPage => Self::LandingPage,
            pb::ContentKind::ProductPage => Self::ProductPage,
            pb::ContentKind::Guide => Self::Guide,
        }
    }
}

impl From<Origin> for pb::ContentOrigin {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Person => Self::Person,
            Origin::Agent => Self::Agent,
            Origin::Restored => Self::Restored,
        }
    }
}

fn text(id: Option<PersonId>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

impl TryFrom<pb::CreateContentPieceRequest> for Create {
    type Error = Error;

    fn try_from(request: pb::CreateContentPieceRequest) -> Result<Self> {
        let piece = request.content_piece.unwrap_or_default();
        let site_id = piece.site_id.parse().map_err(id::bad("content_piece.site_id"))?;
        let content_piece_id = ContentPieceId::fresh();
        let draft = Draft { content_piece_id, site_id, plan: plan(piece)? };
        Ok(Self { draft, validate_only: request.validate_only })
    }
}

impl TryFrom<pb::UpdateContentPieceRequest> for Update {
    type Error = Error;

    fn try_from(request: pb::UpdateContentPieceRequest) -> Result<Self> {
        let piece = request.content_piece.unwrap_or_default();
        let mut check = Check::default();
        if piece.content_piece_id.is_empty() {
            check.note("content_piece.content_piece_id", "is required");
        }
        check.done()?;
        let mask = Mask::new(request.update_mask.as_ref(), Plan::FIELDS)?;
        let bad = id::bad("content_piece.content_piece_id");
        let content_piece_id = piece.content_piece_id.parse().map_err(bad)?;
        let edit = Edit { content_piece_id, etag: piece.etag.clone(), mask, plan: plan(piece)? };
        Ok(Self { edit, validate_only: request.validate_only })
    }
}

/// What people say of a piece; what only the mesh writes is passed over.
fn plan(piece: pb::ContentPiece) -> Result<Plan> {
    let bad = id::bad("content_piece.keyword_ids");
    Ok(Plan {
        kind: piece.kind().into(),
        title: piece.title,
        keyword_ids: id::all(&piece.keyword_ids).map_err(bad)?,
        brief: Some(Json(AsJson(piece.brief.unwrap_or_default()))),
    })
}

impl Step {
    fn new(content_piece_id: &str, etag: String, verb: Verb) -> Result<Self> {
        let content_piece_id = content_piece_id.parse().map_err(id::bad("content_piece_id"))?;
        Ok(Self { content_piece_id, etag, verb, note: String::new() })
    }

    fn saying(self, note: String) -> Self {
        Self { note, ..self }
    }
}

macro_rules! steps {
    ($($request:ident => $verb:ident $(saying $note:ident)?),+ $(,)?) => {$(
        impl TryFrom<pb::$request> for Step {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                let step = Self::new(&request.content_piece_id, request.etag, Verb::$verb)?;
                Ok(step$(.saying(request.$note))?)
            }
        }
    )+};
}

steps! {
    SubmitContentPieceRequest => Submit,
    WithdrawContentPieceRequest => Withdraw,
    ApproveContentPieceRequest => Approve saying note,
    RejectContentPieceRequest => Reject saying note,
    DeleteContentPieceRequest => Delete,
    UndeleteContentPieceRequest => Undelete,
}

impl TryFrom<pb::WriteContentRequest> for Text {
    type Error = Error;

    fn try_from(request: pb::WriteContentRequest) -> Result<Self> {
        let step = Step::new(&request.content_piece_id, request.etag, Verb::Write)?;
        Ok(Self { step: step.saying(request.note), content: request.content.unwrap_or_default() })
    }
}

impl TryFrom<pb::RestoreContentRequest> for Restore {
    type Error = Error;

    fn try_from(request: pb::RestoreContentRequest) -> Result<Self> {
        let step = Step::new(&request.content_piece_id, request.etag, Verb::Restore)?;
        Ok(Self { step, number: request.number })
    }
}
