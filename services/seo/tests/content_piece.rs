//! Content pieces.

mod decision;
mod list;
mod standard;
mod text;
mod trace;

use devsphere_auth::Role;
use devsphere_proto::{
    seo::v1 as pb,
    r#type::v1::{Brief, Content},
};
use devsphere_testkit::{Caller, Org};
use tonic::Status;

use super::{Pieces, Sites};

/// A piece of that site.
pub(super) fn on(site: &pb::Site) -> pb::ContentPiece {
    pb::ContentPiece {
        site_id: site.site_id.clone(),
        title: "Accessible web design".into(),
        brief: Some(Brief { topic: "What it costs".into(), ..Default::default() }),
        ..Default::default()
    }
}

fn creation(piece: pb::ContentPiece) -> pb::CreateContentPieceRequest {
    pb::CreateContentPieceRequest { content_piece: Some(piece), ..Default::default() }
}

pub(super) async fn create(pieces: &mut Pieces, piece: pb::ContentPiece) -> pb::ContentPiece {
    pieces.create_content_piece(creation(piece)).await.unwrap().into_inner()
}

pub(super) async fn get(pieces: &mut Pieces, id: &str) -> Result<pb::ContentPiece, Status> {
    let request = pb::GetContentPieceRequest { content_piece_id: id.into() };
    pieces.get_content_piece(request).await.map(tonic::Response::into_inner)
}

pub(super) fn update(piece: pb::ContentPiece, paths: &[&str]) -> pb::UpdateContentPieceRequest {
    let update_mask = crate::mask(paths);
    pb::UpdateContentPieceRequest { content_piece: Some(piece), update_mask, ..Default::default() }
}

/// A text of that title.
fn text(title: &str) -> Content {
    Content {
        title: title.into(),
        slug: "accessible-web-design".into(),
        body: "Accessible web design begins with a keyboard.".into(),
        ..Default::default()
    }
}

pub(super) async fn write(
    pieces: &mut Pieces,
    piece: &pb::ContentPiece,
    title: &str,
) -> Result<pb::ContentVersion, Status> {
    let request = pb::WriteContentRequest {
        content_piece_id: piece.content_piece_id.clone(),
        content: Some(text(title)),
        ..Default::default()
    };
    pieces.write_content(request).await.map(tonic::Response::into_inner)
}

pub(super) async fn submit(pieces: &mut Pieces, id: &str) -> Result<pb::ContentPiece, Status> {
    let request =
        pb::SubmitContentPieceRequest { content_piece_id: id.into(), ..Default::default() };
    pieces.submit_content_piece(request).await.map(tonic::Response::into_inner)
}

async fn approve(pieces: &mut Pieces, id: &str) -> Result<pb::ContentPiece, Status> {
    let request = pb::ApproveContentPieceRequest {
        content_piece_id: id.into(),
        note: "Well argued.".into(),
        ..Default::default()
    };
    pieces.approve_content_piece(request).await.map(tonic::Response::into_inner)
}

async fn reject(pieces: &mut Pieces, id: &str) -> Result<pb::ContentPiece, Status> {
    let request = pb::RejectContentPieceRequest {
        content_piece_id: id.into(),
        note: "Two prices lack a source.".into(),
        ..Default::default()
    };
    pieces.reject_content_piece(request).await.map(tonic::Response::into_inner)
}

/// A site, with somebody who writes and somebody who decides.
pub(super) struct Desk<'w> {
    pub(super) writer: Caller<'w>,
    manager: Caller<'w>,
    pub(super) site: pb::Site,
}

impl<'w> Desk<'w> {
    pub(super) async fn of(org: &Org<'w>) -> Self {
        let writer = crate::writer(org).await;
        let manager = org.member("magnus", Role::Manager).await;
        let site =
            super::site::create(&mut crate::sites(&writer), super::site::named("north")).await;
        Self { writer, manager, site }
    }

    pub(super) fn sites(&self) -> Sites {
        crate::sites(&self.writer)
    }

    pub(super) async fn keyword(&self, site: &pb::Site, phrase: &str) -> pb::Keyword {
        let (site_id, phrase) = (site.site_id.clone(), phrase.into());
        let keyword = pb::Keyword { site_id, phrase, ..Default::default() };
        let request = pb::CreateKeywordRequest { keyword: Some(keyword), ..Default::default() };
        let mut keywords = crate::keywords(&self.writer);
        keywords.create_keyword(request).await.unwrap().into_inner()
    }

    pub(super) fn pieces(&self) -> Pieces {
        crate::pieces(&self.writer)
    }

    fn deciding(&self) -> Pieces {
        crate::pieces(&self.manager)
    }

    /// A piece with a text.
    pub(super) async fn draft(&self) -> pb::ContentPiece {
        let piece = create(&mut self.pieces(), on(&self.site)).await;
        write(&mut self.pieces(), &piece, "First").await.unwrap();
        get(&mut self.pieces(), &piece.content_piece_id).await.unwrap()
    }

    /// A piece that waits for a decision.
    pub(super) async fn submitted(&self) -> pb::ContentPiece {
        let draft = self.draft().await;
        submit(&mut self.pieces(), &draft.content_piece_id).await.unwrap()
    }
}
