//! Between the contract's words and the domain's. `admit` has applied the rules of the contract.

use devsphere_error::{Error, Result};
use devsphere_ids::PersonId;
use devsphere_proto::administration::v1 as pb;
use devsphere_rpc::{etag, id, time::timestamp};

use super::{Approval, Decision, Of, State, Verb, Viewer, owner::Owners};

/// The question as they are shown it.
pub(super) fn message(approval: Approval, owners: &Owners, viewer: &Viewer) -> pb::Approval {
    let actions = approval.allowed_actions(viewer).iter();
    let owner = owners.owner(&approval);
    pb::Approval {
        allowed_actions: actions.map(|verb| verb.word().into()).collect(),
        // Empty where the noun has left the contracts.
        record: owner.map(|owner| owner.resource.name_of(approval.record_id)).unwrap_or_default(),
        approval_id: approval.approval_id.to_string(),
        noun: approval.noun,
        record_etag: etag::of(approval.record_version),
        title: approval.title,
        permission: approval.permission,
        asked_by: approval.asked_by.to_string(),
        required: approval.required,
        state: pb::ApprovalState::from(approval.state).into(),
        decided_by: approval.decided_by.as_ref().map(PersonId::to_string).unwrap_or_default(),
        note: approval.note,
        create_time: Some(timestamp(approval.create_time)),
        decide_time: approval.decide_time.map(timestamp),
    }
}

impl From<State> for pb::ApprovalState {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Approved => Self::Approved,
            State::Rejected => Self::Rejected,
            State::Cancelled => Self::Cancelled,
            State::Superseded => Self::Superseded,
        }
    }
}

impl From<pb::ApprovalsOf> for Of {
    fn from(of: pb::ApprovalsOf) -> Self {
        match of {
            pb::ApprovalsOf::Unspecified => Self::Waiting,
            pb::ApprovalsOf::Mine => Self::Mine,
            pb::ApprovalsOf::All => Self::All,
        }
    }
}

impl TryFrom<pb::ApproveApprovalRequest> for Decision {
    type Error = Error;

    fn try_from(request: pb::ApproveApprovalRequest) -> Result<Self> {
        let approval_id = request.approval_id.parse().map_err(id::bad("approval_id"))?;
        Ok(Self { approval_id, verb: Verb::Approve, note: request.note })
    }
}

impl TryFrom<pb::RejectApprovalRequest> for Decision {
    type Error = Error;

    fn try_from(request: pb::RejectApprovalRequest) -> Result<Self> {
        let approval_id = request.approval_id.parse().map_err(id::bad("approval_id"))?;
        Ok(Self { approval_id, verb: Verb::Reject, note: request.note })
    }
}
