//! Between the contract's words and the domain's. `admit` has applied the rules of the contract.

use devsphere_auth::Caller;
use devsphere_error::{Check, Error, Result};
use devsphere_ids::SiteId;
use devsphere_proto::seo::v1 as pb;
use devsphere_rpc::{etag, id, mask::Mask, time::timestamp, trash};

use super::{ApprovalGate, Content, Draft, Edit, Site, need};
use crate::{
    record::{Record as _, Verb},
    web,
};

/// One site to create, or to check only.
pub(super) struct Create {
    pub(super) draft: Draft,
    pub(super) validate_only: bool,
}

/// One site to edit, or to check only.
pub(super) struct Update {
    pub(super) edit: Edit,
    pub(super) validate_only: bool,
}

/// A verb on one site.
pub(super) struct Step {
    pub(super) site_id: SiteId,
    pub(super) etag: String,
    pub(super) verb: Verb,
}

/// The site as this caller is shown it.
pub(super) fn shown(site: Site, caller: &Caller) -> pb::Site {
    message(site, &Verb::given_by::<Site>(caller.permissions()))
}

/// The sites as this caller is shown them.
pub(super) fn all_shown(sites: Vec<Site>, caller: &Caller) -> Vec<pb::Site> {
    let verbs = Verb::given_by::<Site>(caller.permissions());
    sites.into_iter().map(|site| message(site, &verbs)).collect()
}

fn message(site: Site, verbs: &[Verb]) -> pb::Site {
    pb::Site {
        allowed_actions: site.allowed_actions(verbs),
        site_id: site.site_id.to_string(),
        display_name: site.display_name,
        base_url: site.base_url,
        client_name: site.client_name,
        language: site.language,
        country: site.country,
        voice: site.voice,
        forbidden_claims: site.forbidden_claims,
        note: site.note,
        approval_gate: pb::ApprovalGate::from(site.approval_gate).into(),
        create_time: Some(timestamp(site.create_time)),
        update_time: Some(timestamp(site.update_time)),
        delete_time: site.delete_time.map(timestamp),
        purge_time: trash::purge_time(site.delete_time).map(timestamp),
        etag: etag::of(site.version),
    }
}

/// What would be created: a site without id, times and etag.
impl From<Draft> for pb::Site {
    fn from(Draft { content, .. }: Draft) -> Self {
        Self {
            display_name: content.display_name,
            base_url: content.base_url,
            client_name: content.client_name,
            language: content.language,
            country: content.country,
            voice: content.voice,
            forbidden_claims: content.forbidden_claims,
            note: content.note,
            approval_gate: pb::ApprovalGate::from(content.approval_gate).into(),
            ..Self::default()
        }
    }
}

impl TryFrom<pb::CreateSiteRequest> for Create {
    type Error = Error;

    fn try_from(request: pb::CreateSiteRequest) -> Result<Self> {
        let site = request.site.unwrap_or_default();
        let mut check = Check::default();
        need([&site.display_name, &site.base_url, &site.language], &mut check);
        let content = content(site, &mut check);
        check.done()?;
        let draft = Draft { site_id: SiteId::fresh(), content };
        Ok(Self { draft, validate_only: request.validate_only })
    }
}

impl TryFrom<pb::UpdateSiteRequest> for Update {
    type Error = Error;

    fn try_from(request: pb::UpdateSiteRequest) -> Result<Self> {
        let site = request.site.unwrap_or_default();
        let mut check = Check::default();
        if site.site_id.is_empty() {
            check.note("site.site_id", "is required");
        }
        let (site_id, etag) = (site.site_id.clone(), site.etag.clone());
        let content = content(site, &mut check);
        check.done()?;
        let mask = Mask::new(request.update_mask.as_ref(), Content::FIELDS)?;
        let site_id = site_id.parse().map_err(id::bad("site.site_id"))?;
        let edit = Edit { site_id, etag, mask, content };
        Ok(Self { edit, validate_only: request.validate_only })
    }
}

/// A site as the caller wants it; what only the mesh writes is passed over.
fn content(site: pb::Site, check: &mut Check) -> Content {
    let base_url = match site.base_url.as_str() {
        "" => String::new(),
        text => check.take("site.base_url", web::origin(text)).unwrap_or_default(),
    };
    Content {
        base_url,
        approval_gate: ApprovalGate::sent(site.approval_gate()).unwrap_or(ApprovalGate::Required),
        display_name: site.display_name,
        client_name: site.client_name,
        language: site.language,
        country: site.country,
        voice: site.voice,
        forbidden_claims: site.forbidden_claims,
        note: site.note,
    }
}

macro_rules! steps {
    ($($request:ident => $verb:ident),+ $(,)?) => {$(
        impl TryFrom<pb::$request> for Step {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                let site_id = request.site_id.parse().map_err(id::bad("site_id"))?;
                Ok(Self { site_id, etag: request.etag, verb: Verb::$verb })
            }
        }
    )+};
}

steps! {
    DeleteSiteRequest => Delete,
    UndeleteSiteRequest => Undelete,
}
