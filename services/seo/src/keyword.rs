//! What a keyword is and which changes are legal.

mod csv;
mod list;
mod rpc;
mod store;
mod wire;

use chrono::{DateTime, Utc};
use devsphere_error::{Check, Error, Result};
use devsphere_ids::{KeywordId, SiteId};
use devsphere_proto::seo::v1 as pb;
use devsphere_rpc::{editable, mask::Mask};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    record::{Noun, Record, Verb, noun},
    web,
    word::words,
};
pub(crate) use rpc::Keywords;

/// A phrase that a site wants to be found with. Its JSON is what events and audit show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
struct Keyword {
    keyword_id: KeywordId,
    site_id: SiteId,
    phrase: String,
    /// Empty where it is the site's.
    country: String,
    device: Device,
    /// None where nobody knows.
    intent: Option<SearchIntent>,
    target_url: String,
    monthly_volume: Option<i32>,
    tags: Vec<String>,
    note: String,
    create_time: DateTime<Utc>,
    #[serde(skip)]
    update_time: DateTime<Utc>,
    delete_time: Option<DateTime<Utc>>,
    #[serde(skip)]
    version: i64,
}

words! {
    /// What people search with.
    Device: Desktop = "desktop", Mobile = "mobile"
}

words! {
    /// What people want who search.
    SearchIntent:
        Informational = "informational",
        Navigational = "navigational",
        Commercial = "commercial",
        Transactional = "transactional",
}

/// A keyword to be: checked input. Its JSON is what the store inserts, or asks about.
#[derive(Debug, Serialize)]
struct Draft {
    keyword_id: KeywordId,
    site_id: SiteId,
    /// Where the page lies that must be the site's; none where no page is set.
    origin: Option<String>,
    #[serde(flatten)]
    content: Content,
}

/// What people write into a keyword.
#[derive(Debug, Serialize)]
struct Content {
    phrase: String,
    country: String,
    device: Device,
    intent: Option<SearchIntent>,
    target_url: String,
    monthly_volume: Option<i32>,
    tags: Vec<String>,
    note: String,
}

/// What an update writes, over which version.
#[derive(Debug)]
struct Edit {
    keyword_id: KeywordId,
    etag: String,
    mask: Mask,
    content: Content,
}

/// What stands in a draft's way, as the store sees it.
#[derive(Debug, Default)]
struct Obstacle {
    unknown_site: bool,
    trashed_site: bool,
    /// Its page lies outside its site.
    astray: bool,
    /// Another draft has its phrase.
    twin: bool,
    /// A keyword has its phrase.
    holder: Option<KeywordId>,
}

impl Record for Keyword {
    const NOUN: Noun = noun!("keyword", "keywords");

    fn id(&self) -> Uuid {
        self.keyword_id.uuid()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn delete_time(&self) -> Option<DateTime<Utc>> {
        self.delete_time
    }
}

impl Draft {
    fn new(site_id: SiteId, content: Content) -> Self {
        let origin = web::origin_of(&content.target_url);
        Self { keyword_id: KeywordId::fresh(), site_id, origin, content }
    }

    /// The keyword as a draft of itself; its page is looked at where it is another than before.
    fn of(keyword: &Keyword, before: &Keyword) -> Self {
        let Keyword { keyword_id, site_id, device, intent, monthly_volume, .. } = *keyword;
        let moved = keyword.target_url != before.target_url;
        let content = Content {
            phrase: keyword.phrase.clone(),
            country: keyword.country.clone(),
            device,
            intent,
            target_url: keyword.target_url.clone(),
            monthly_volume,
            tags: keyword.tags.clone(),
            note: keyword.note.clone(),
        };
        let origin = web::origin_of(&keyword.target_url).filter(|_| moved);
        Self { keyword_id, site_id, origin, content }
    }
}

impl Edit {
    /// The keyword as it would be.
    fn apply(self, keyword: &Keyword) -> Result<Keyword> {
        keyword.check(Verb::Update, &self.etag)?;
        let mut edited = keyword.clone();
        self.content.write(&self.mask, &mut edited);
        if edited.phrase.is_empty() {
            return Err(Error::field("keyword.phrase", "is required"));
        }
        Ok(edited)
    }
}

editable!(
    Content => Keyword: phrase, country, device, intent, target_url, monthly_volume, tags, note,
);

/// Where the keyword stands in a request: alone, or at its place in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Alone,
    Batch,
}

impl At {
    fn field(self, place: usize, field: &str) -> String {
        match self {
            Self::Alone => format!("keyword.{field}"),
            Self::Batch => format!("requests[{place}].keyword.{field}"),
        }
    }
}

/// Refuses drafts for what stands in their way: whatever is wrong with fields first and all at once.
fn refuse(obstacles: &[Obstacle], at: At) -> Result<()> {
    let mut check = Check::default();
    for (place, obstacle) in obstacles.iter().enumerate() {
        for (found, field, problem) in [
            (obstacle.unknown_site, "site_id", "is no site"),
            (obstacle.astray, "target_url", "must lie below the site's base_url"),
            (obstacle.twin, "phrase", "stands twice here"),
        ] {
            if found {
                check.note(at.field(place, field), problem);
            }
        }
    }
    check.done()?;
    if obstacles.iter().any(|obstacle| obstacle.trashed_site) {
        let message = "the site is in the trash";
        return Err(Error::InvalidState { cause: "trashed", message });
    }
    let held = |(place, obstacle): (usize, &Obstacle)| Some((place, obstacle.holder?));
    match obstacles.iter().enumerate().find_map(held) {
        Some((place, holder)) => Err(Error::Taken {
            what: "a keyword with this phrase",
            field: at.field(place, "phrase"),
            holder: format!("seo/keywords/{holder}"),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
