//! One state of a piece's text.

pub(super) mod store;

use chrono::{DateTime, Utc};
use devsphere_ids::{ContentPieceId, PersonId};
use devsphere_proto::{
    AsJson,
    agent::v1::{DraftTask, SiteProfile},
    seo::v1::ContentChecks,
    r#type::v1::{Content, Link},
};
use serde::Deserialize;
use sqlx::types::Json;

use super::checks::Measure;

/// The agent that writes.
const WRITER: &str = "seo-content-writer";

/// A version; it never changes.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Version {
    pub(super) content_piece_id: ContentPieceId,
    /// From 1.
    pub(super) number: i32,
    /// None in lists, which leave text and checks out.
    pub(super) content: Option<Json<AsJson<Content>>>,
    pub(super) checks: Option<Json<AsJson<ContentChecks>>>,
    pub(super) score: i32,
    pub(super) origin: Origin,
    pub(super) author_id: PersonId,
    pub(super) note: String,
    pub(super) create_time: DateTime<Utc>,
}

/// Where a version comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum Origin {
    Person,
    Agent,
    /// An older version once more.
    Restored,
}

/// A version to be.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) content: Content,
    pub(super) checks: ContentChecks,
    pub(super) origin: Origin,
    pub(super) author_id: PersonId,
    pub(super) note: String,
}

/// What a piece's site and keywords say of its text.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Surroundings {
    display_name: String,
    voice: String,
    language: String,
    base_url: String,
    forbidden_claims: Vec<String>,
    /// Whether the site asks for no decision.
    pub(super) is_ungated: bool,
    /// Ids and phrases, the main one first.
    keywords: Vec<(String, String)>,
    /// Titles and addresses of what is approved on the same site.
    pages: Vec<(String, String)>,
}

impl Version {
    /// What was written, as the newest version of that piece.
    pub(super) fn of(piece: &super::ContentPiece, written: Written) -> Self {
        Self {
            content_piece_id: piece.content_piece_id,
            number: piece.version_number,
            score: written.checks.score,
            content: Some(Json(AsJson(written.content))),
            checks: Some(Json(AsJson(written.checks))),
            origin: written.origin,
            author_id: written.author_id,
            note: written.note,
            create_time: piece.update_time,
        }
    }
}

impl Origin {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Agent => "agent",
            Self::Restored => "restored",
        }
    }
}

impl Surroundings {
    /// What an agent writes a text of that piece from.
    pub(super) fn task(self, piece: &super::ContentPiece) -> DraftTask {
        let site = SiteProfile {
            display_name: self.display_name,
            base_url: self.base_url,
            language: self.language,
            voice: self.voice,
            forbidden_claims: self.forbidden_claims,
            pages: links(self.pages),
        };
        DraftTask {
            agent_key: WRITER.into(),
            title: piece.title.clone(),
            page_kind: piece.kind.word().replace('_', " "),
            brief: Some(piece.brief()),
            keywords: self.keywords.into_iter().map(|(_, phrase)| phrase).collect(),
            site: Some(site),
            ..DraftTask::default()
        }
    }

    /// What a text of that piece is measured by.
    pub(super) fn measure(self, piece: &super::ContentPiece) -> Measure {
        let brief = piece.brief();
        Measure {
            language: self.language,
            base_url: self.base_url,
            keywords: self.keywords,
            target_words: brief.target_words,
            forbidden_claims: self.forbidden_claims,
            sources: brief.sources,
            pages: links(self.pages),
        }
    }
}

fn links(pages: Vec<(String, String)>) -> Vec<Link> {
    pages.into_iter().map(|(anchor, url)| Link { anchor, url }).collect()
}
