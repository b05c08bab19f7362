//! Between the contract's words and the domain's. `admit` has applied the rules of the contract.

use devsphere_auth::Caller;
use devsphere_error::{Check, Error, Result};
use devsphere_ids::KeywordId;
use devsphere_proto::seo::v1 as pb;
use devsphere_rpc::{etag, id, mask::Mask, time::timestamp, trash};

use super::{At, Content, Device, Draft, Edit, Keyword, SearchIntent};
use crate::{
    record::{Record as _, Verb},
    web,
};

/// One keyword to create, or to check only.
pub(super) struct Create {
    pub(super) draft: Draft,
    pub(super) validate_only: bool,
}

/// Several keywords to create; each draft stands at its request's place.
pub(super) struct CreateAll(pub(super) Vec<Draft>);

/// One keyword to edit, or to check only.
pub(super) struct Update {
    pub(super) edit: Edit,
    pub(super) validate_only: bool,
}

/// A way into the trash or out of it, for one keyword.
pub(super) struct Step {
    pub(super) keyword_id: KeywordId,
    pub(super) etag: String,
}

/// The keyword as this caller is shown it.
pub(super) fn shown(keyword: Keyword, caller: &Caller) -> pb::Keyword {
    message(keyword, &Verb::given_by::<Keyword>(caller.permissions()))
}

/// The keywords as this caller is shown them.
pub(super) fn all_shown(keywords: Vec<Keyword>, caller: &Caller) -> Vec<pb::Keyword> {
    let verbs = Verb::given_by::<Keyword>(caller.permissions());
    keywords.into_iter().map(|keyword| message(keyword, &verbs)).collect()
}

fn message(keyword: Keyword, verbs: &[Verb]) -> pb::Keyword {
    pb::Keyword {
        allowed_actions: keyword.allowed_actions(verbs),
        keyword_id: keyword.keyword_id.to_string(),
        site_id: keyword.site_id.to_string(),
        phrase: keyword.phrase,
        country: keyword.country,
        device: pb::Device::from(keyword.device).into(),
        intent: intent_message(keyword.intent),
        target_url: keyword.target_url,
        monthly_volume: keyword.monthly_volume,
        tags: keyword.tags,
        note: keyword.note,
        create_time: Some(timestamp(keyword.create_time)),
        update_time: Some(timestamp(keyword.update_time)),
        delete_time: keyword.delete_time.map(timestamp),
        purge_time: trash::purge_time(keyword.delete_time).map(timestamp),
        etag: etag::of(keyword.version),
    }
}

/// What would be created: a keyword without id, times and etag.
impl From<Draft> for pb::Keyword {
    fn from(Draft { site_id, content, .. }: Draft) -> Self {
        Self {
            site_id: site_id.to_string(),
            phrase: content.phrase,
            country: content.country,
            device: pb::Device::from(content.device).into(),
            intent: intent_message(content.intent),
            target_url: content.target_url,
            monthly_volume: content.monthly_volume,
            tags: content.tags,
            note: content.note,
            ..Self::default()
        }
    }
}

fn intent_message(intent: Option<SearchIntent>) -> i32 {
    intent.map_or(pb::SearchIntent::Unspecified, Into::into).into()
}

impl TryFrom<pb::CreateKeywordRequest> for Create {
    type Error = Error;

    fn try_from(request: pb::CreateKeywordRequest) -> Result<Self> {
        let mut check = Check::default();
        let draft = draft(request.keyword.unwrap_or_default(), (At::Alone, 0), &mut check);
        check.done()?;
        let draft = draft.ok_or_else(|| Error::internal("a draft went away"))?;
        Ok(Self { draft, validate_only: request.validate_only })
    }
}

impl TryFrom<pb::BatchCreateKeywordsRequest> for CreateAll {
    type Error = Error;

    fn try_from(batch: pb::BatchCreateKeywordsRequest) -> Result<Self> {
        let mut check = Check::default();
        let drafts = batch.requests.into_iter().enumerate().filter_map(|(place, request)| {
            let at = format!("requests[{place}]");
            if !request.request_id.is_empty() {
                check.note(format!("{at}.request_id"), "must be empty: the batch has its own");
            }
            if request.validate_only {
                check.note(format!("{at}.validate_only"), "must be false in a batch");
            }
            draft(request.keyword.unwrap_or_default(), (At::Batch, place), &mut check)
        });
        let drafts = drafts.collect();
        check.done()?;
        Ok(Self(drafts))
    }
}

impl TryFrom<pb::UpdateKeywordRequest> for Update {
    type Error = Error;

    fn try_from(request: pb::UpdateKeywordRequest) -> Result<Self> {
        let keyword = request.keyword.unwrap_or_default();
        let mut check = Check::default();
        if keyword.keyword_id.is_empty() {
            check.note("keyword.keyword_id", "is required");
        }
        let (keyword_id, etag) = (keyword.keyword_id.clone(), keyword.etag.clone());
        let content = content(keyword, (At::Alone, 0), &mut check);
        check.done()?;
        let mask = Mask::new(request.update_mask.as_ref(), Content::FIELDS)?;
        let keyword_id = keyword_id.parse().map_err(id::bad("keyword.keyword_id"))?;
        let edit = Edit { keyword_id, etag, mask, content };
        Ok(Self { edit, validate_only: request.validate_only })
    }
}

/// A keyword as the caller wants it; what only the mesh writes is passed over. None where its site is
/// not named.
fn draft(keyword: pb::Keyword, (at, place): (At, usize), check: &mut Check) -> Option<Draft> {
    let site_id = match keyword.site_id.as_str() {
        "" => {
            check.note(at.field(place, "site_id"), "is required");
            None
        }
        text => check.take(at.field(place, "site_id"), text.parse()),
    };
    let content = content(keyword, (at, place), check);
    if content.phrase.is_empty() {
        check.note(at.field(place, "phrase"), "is required");
    }
    Some(Draft::new(site_id?, content))
}

fn content(keyword: pb::Keyword, (at, place): (At, usize), check: &mut Check) -> Content {
    let target_url = match keyword.target_url.as_str() {
        "" => String::new(),
        text => check.take(at.field(place, "target_url"), web::page(text)).unwrap_or_default(),
    };
    Content {
        target_url,
        device: Device::sent(keyword.device()).unwrap_or(Device::Desktop),
        intent: SearchIntent::sent(keyword.intent()),
        phrase: keyword.phrase.split_whitespace().collect::<Vec<_>>().join(" "),
        country: keyword.country,
        monthly_volume: keyword.monthly_volume,
        tags: keyword.tags,
        note: keyword.note,
    }
}

macro_rules! steps {
    ($($request:ident),+ $(,)?) => {$(
        impl TryFrom<pb::$request> for Step {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                let keyword_id = request.keyword_id.parse().map_err(id::bad("keyword_id"))?;
                Ok(Self { keyword_id, etag: request.etag })
            }
        }
    )+};
}

steps!(DeleteKeywordRequest, UndeleteKeywordRequest);
