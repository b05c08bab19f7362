//! Between the contract's words and the domain's. `admit` has applied the rules of the contract.

use devsphere_auth::Caller;
use devsphere_error::{Check, Error, Result};
use devsphere_ids::{LeadId, PersonId};
use devsphere_proto::{crm::v1 as pb, r#type::v1 as types};
use devsphere_rpc::{etag, id, mask::Mask, time::timestamp, trash};

use super::{Content, Draft, Edit, Lead, State, Verb};
use crate::money::Money;

/// One lead to create, or to check only.
pub(super) struct Create {
    pub(super) draft: Draft,
    pub(super) validate_only: bool,
}

/// Several leads to create; each draft stands at its request's place.
pub(super) struct CreateAll(pub(super) Vec<Draft>);

/// One lead to edit, or to check only.
pub(super) struct Update {
    pub(super) edit: Edit,
    pub(super) validate_only: bool,
}

/// A verb on one lead, with the reason where it takes one.
pub(super) struct Step {
    pub(super) lead_id: LeadId,
    pub(super) etag: String,
    pub(super) verb: Verb,
    pub(super) reason: String,
}

/// The lead as this caller is shown it.
pub(super) fn shown(lead: Lead, caller: &Caller) -> pb::Lead {
    message(lead, &Verb::given_by(caller.permissions()))
}

/// The leads as this caller is shown them.
pub(super) fn all_shown(leads: Vec<Lead>, caller: &Caller) -> Vec<pb::Lead> {
    let verbs = Verb::given_by(caller.permissions());
    leads.into_iter().map(|lead| message(lead, &verbs)).collect()
}

fn message(lead: Lead, verbs: &[Verb]) -> pb::Lead {
    let purge_time = trash::purge_time(lead.delete_time);
    pb::Lead {
        allowed_actions: lead.allowed_actions(verbs).into_iter().map(Into::into).collect(),
        lead_id: lead.lead_id.to_string(),
        display_name: lead.display_name,
        company: lead.company,
        job_title: lead.job_title,
        email: lead.email,
        phone: lead.phone,
        website: lead.website,
        source: lead.source,
        value: lead.value.map(money_message),
        tags: lead.tags,
        note: lead.note,
        owner_id: text(lead.owner_id),
        assigned_by: text(lead.assigned_by),
        state: pb::LeadState::from(lead.state).into(),
        reason: lead.reason,
        create_time: Some(timestamp(lead.create_time)),
        update_time: Some(timestamp(lead.update_time)),
        state_time: Some(timestamp(lead.state_time)),
        delete_time: lead.delete_time.map(timestamp),
        purge_time: purge_time.map(timestamp),
        etag: etag::of(lead.version),
    }
}

/// What would be created: a lead without id, times and etag.
impl From<Draft> for pb::Lead {
    fn from(Draft { owner_id, assigned_by, content, .. }: Draft) -> Self {
        Self {
            display_name: content.display_name,
            company: content.company,
            job_title: content.job_title,
            email: content.email,
            phone: content.phone,
            website: content.website,
            source: content.source,
            value: content.value.map(money_message),
            tags: content.tags,
            note: content.note,
            owner_id: text(owner_id),
            assigned_by: text(assigned_by),
            state: pb::LeadState::New.into(),
            ..Self::default()
        }
    }
}

impl From<State> for pb::LeadState {
    fn from(state: State) -> Self {
        match state {
            State::New => Self::New,
            State::Contacted => Self::Contacted,
            State::Qualified => Self::Qualified,
            State::Won => Self::Won,
            State::Lost => Self::Lost,
            State::Disqualified => Self::Disqualified,
        }
    }
}

fn money_message(money: Money) -> types::Money {
    types::Money { minor_units: money.minor_units, currency_code: money.currency_code().to_owned() }
}

fn text(id: Option<PersonId>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

impl TryFrom<pb::CreateLeadRequest> for Create {
    type Error = Error;

    fn try_from(request: pb::CreateLeadRequest) -> Result<Self> {
        let mut check = Check::default();
        let draft = draft(request.lead.unwrap_or_default(), "lead", &mut check);
        check.done()?;
        Ok(Self { draft, validate_only: request.validate_only })
    }
}

impl TryFrom<pb::BatchCreateLeadsRequest> for CreateAll {
    type Error = Error;

    fn try_from(batch: pb::BatchCreateLeadsRequest) -> Result<Self> {
        let mut check = Check::default();
        let drafts = batch.requests.into_iter().enumerate().map(|(place, request)| {
            let at = format!("requests[{place}]");
            if !request.request_id.is_empty() {
                check.note(format!("{at}.request_id"), "must be empty: the batch has its own");
            }
            if request.validate_only {
                check.note(format!("{at}.validate_only"), "must be false in a batch");
            }
            draft(request.lead.unwrap_or_default(), &format!("{at}.lead"), &mut check)
        });
        let drafts = drafts.collect();
        check.done()?;
        Ok(Self(drafts))
    }
}

impl TryFrom<pb::UpdateLeadRequest> for Update {
    type Error = Error;

    fn try_from(request: pb::UpdateLeadRequest) -> Result<Self> {
        let lead = request.lead.unwrap_or_default();
        let mut check = Check::default();
        if lead.lead_id.is_empty() {
            check.note("lead.lead_id", "is required");
        }
        let (lead_id, etag) = (lead.lead_id.clone(), lead.etag.clone());
        let content = content(lead, "lead", &mut check);
        check.done()?;
        let mask = Mask::new(request.update_mask.as_ref(), Content::FIELDS)?;
        let lead_id = lead_id.parse().map_err(id::bad("lead.lead_id"))?;
        let edit = Edit { lead_id, etag, mask, content };
        Ok(Self { edit, validate_only: request.validate_only })
    }
}

/// A lead as the caller wants it; what only the mesh writes is passed over.
fn draft(lead: pb::Lead, at: &str, check: &mut Check) -> Draft {
    let owner_id = check.take(format!("{at}.owner_id"), id::optional(&lead.owner_id)).flatten();
    let content = content(lead, at, check);
    Draft { lead_id: LeadId::fresh(), owner_id, assigned_by: None, content }
}

fn content(lead: pb::Lead, at: &str, check: &mut Check) -> Content {
    let money = |value: types::Money| {
        let money = Money::new(value.minor_units, &value.currency_code);
        check.take(format!("{at}.value.currency_code"), money)
    };
    Content {
        display_name: lead.display_name,
        company: lead.company,
        job_title: lead.job_title,
        email: lead.email,
        phone: lead.phone,
        website: lead.website,
        source: lead.source,
        value: lead.value.and_then(money),
        tags: lead.tags,
        note: lead.note,
    }
}

impl Step {
    fn new(lead_id: &str, etag: String, verb: Verb) -> Result<Self> {
        let lead_id = lead_id.parse().map_err(id::bad("lead_id"))?;
        Ok(Self { lead_id, etag, verb, reason: String::new() })
    }

    fn because(self, reason: String) -> Self {
        Self { reason, ..self }
    }
}

macro_rules! steps {
    ($($request:ident => $verb:ident $(because $reason:ident)?),+ $(,)?) => {$(
        impl TryFrom<pb::$request> for Step {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                let step = Self::new(&request.lead_id, request.etag, Verb::$verb)?;
                Ok(step$(.because(request.$reason))?)
            }
        }
    )+};
}

steps! {
    ContactLeadRequest => Contact,
    QualifyLeadRequest => Qualify,
    WinLeadRequest => Win,
    LoseLeadRequest => Lose because reason,
    DisqualifyLeadRequest => Disqualify because reason,
    ReopenLeadRequest => Reopen,
    UndoWinLeadRequest => UndoWin,
    DeleteLeadRequest => Delete,
    UndeleteLeadRequest => Undelete,
}
