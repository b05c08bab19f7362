//! The verbs on one piece. Each locks it, asks the domain, writes, and leaves one event.

use devsphere_auth::Permit;
use devsphere_db::{Approval, Asked, TenantTx};
use devsphere_error::Result;
use devsphere_ids::PersonId;
use devsphere_proto::seo::v1 as pb;
use devsphere_rpc::etag;

use super::{ContentPieces, emit_step};
use crate::{
    content_piece::{
        ContentPiece, DECIDE, Verb, store,
        verb::State,
        version,
        wire::{self, Step},
    },
    deciders,
};

impl ContentPieces {
    /// Asks for a decision, where the site asks for one.
    pub(super) async fn submit(&self, (permit, step): (Permit, Step)) -> Result<pb::ContentPiece> {
        let me = PersonId::from(permit.caller().id());
        // Asked before, since no transaction waits for another service.
        let others = self.deciders.beside(&permit, DECIDE).await?;

        let (mut tx, before) = self.lock(&permit, &step).await?;
        let mut state = before.after(step.verb, &step.etag)?;
        let piece = ContentPiece {
            submitted_by: Some(me),
            decided_by: None,
            decision_note: String::new(),
            ..before.clone()
        };
        let barred = piece.barred();
        let question = Asked {
            title: piece.title.clone(),
            permission: DECIDE,
            barred: barred.iter().map(|person| person.uuid()).collect(),
        };
        let approval = if version::store::fetch_surroundings(&mut tx, &piece).await?.is_ungated {
            state = State::Approved;
            Approval::Waive(question)
        } else {
            deciders::check(&others, &barred)?;
            Approval::Ask(question)
        };
        let piece = store::update_state(&mut tx, &piece, state).await?;
        emit_step(&mut tx, step.verb, (&before, &piece), Some(approval))?;

        tx.commit(wire::shown(piece, permit.caller())).await
    }

    /// Follows the verb's arrow to another state.
    pub(super) async fn advance(&self, (permit, step): (Permit, Step)) -> Result<pb::ContentPiece> {
        let (mut tx, before) = self.lock(&permit, &step).await?;
        let state = before.after(step.verb, &step.etag)?;
        let mut piece = before.clone();
        if step.verb.is_decision() {
            before.decidable_by(permit.caller())?;
            piece.decided_by = Some(permit.caller().id().into());
            piece.decision_note.clone_from(&step.note);
        }
        let approval = match step.verb {
            Verb::Approve => Some(Approval::Approve { note: step.note }),
            Verb::Reject => Some(Approval::Reject { note: step.note }),
            Verb::Withdraw => Some(Approval::Cancel),
            _ => None,
        };
        let piece = store::update_state(&mut tx, &piece, state).await?;
        emit_step(&mut tx, step.verb, (&before, &piece), approval)?;

        tx.commit(wire::shown(piece, permit.caller())).await
    }

    pub(super) async fn delete(
        &self,
        (permit, step): (Permit, Step),
    ) -> Result<pb::DeleteContentPieceResponse> {
        let (tx, piece) = self.trash(&permit, &step).await?;

        tx.commit(pb::DeleteContentPieceResponse { etag: etag::of(piece.version) }).await
    }

    pub(super) async fn undelete(
        &self,
        (permit, step): (Permit, Step),
    ) -> Result<pb::ContentPiece> {
        let (tx, piece) = self.trash(&permit, &step).await?;

        tx.commit(wire::shown(piece, permit.caller())).await
    }

    /// Puts it into the trash, or takes it out again.
    async fn trash(&self, permit: &Permit, step: &Step) -> Result<(TenantTx, ContentPiece)> {
        let (mut tx, before) = self.lock(permit, step).await?;
        before.after(step.verb, &step.etag)?;
        let into = step.verb == Verb::Delete;
        let piece = store::update_trash(&mut tx, step.content_piece_id, into).await?;
        emit_step(&mut tx, step.verb, (&before, &piece), None)?;
        Ok((tx, piece))
    }

    async fn lock(&self, permit: &Permit, step: &Step) -> Result<(TenantTx, ContentPiece)> {
        let mut tx = self.db.write(permit).await?;
        let piece = store::fetch_for_update(&mut tx, step.content_piece_id).await?;
        Ok((tx, piece))
    }
}
