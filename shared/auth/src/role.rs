//! The roles of `product.md` B2, and the one place that says what each may do.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::PermissionSet;

/// A system role of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything in the organisation.
    Ceo,
    /// Everything but billing, deletion, the role ceo and compensation.
    Admin,
    /// Reads every department, writes sales and delivery.
    Manager,
    /// Own and unassigned leads.
    Sales,
    /// Content and its sites.
    Seo,
    /// Money.
    Finance,
    /// People.
    Hr,
    /// Tickets.
    Support,
    /// The projects they are a member of.
    Operator,
    /// Reads what is not sensitive.
    Viewer,
    /// A customer's person, in the portal only.
    Client,
}

impl Role {
    /// Every role, the most powerful first.
    pub const ALL: [Self; 11] = [
        Self::Ceo,
        Self::Admin,
        Self::Manager,
        Self::Sales,
        Self::Seo,
        Self::Finance,
        Self::Hr,
        Self::Support,
        Self::Operator,
        Self::Viewer,
        Self::Client,
    ];

    /// As it stands in the database, in assertions and in filters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ceo => "ceo",
            Self::Admin => "admin",
            Self::Manager => "manager",
            Self::Sales => "sales",
            Self::Seo => "seo",
            Self::Finance => "finance",
            Self::Hr => "hr",
            Self::Support => "support",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Client => "client",
        }
    }

    /// What the role may do; `*` at the end stands for everything that begins so.
    const fn grants(self) -> &'static [&'static str] {
        match self {
            Self::Ceo | Self::Admin => &["administration.*", "crm.*", "identity.*", "seo.*"],
            Self::Manager => &[
                "administration.agents.read",
                "administration.approvals.*",
                "administration.names.resolve",
                "administration.settings.read",
                "crm.*",
                "identity.members.read",
                "identity.organization.read",
                "seo.*",
            ],
            Self::Sales => &[
                "administration.approvals.*",
                "administration.names.resolve",
                "administration.settings.read",
                "crm.leads.*",
                "identity.members.read",
                "identity.organization.read",
            ],
            Self::Seo => &[
                "administration.agents.read",
                "administration.approvals.*",
                "administration.names.resolve",
                "administration.settings.read",
                "identity.members.read",
                "identity.organization.read",
                "seo.contentPieces.create",
                "seo.contentPieces.delete",
                "seo.contentPieces.generate",
                "seo.contentPieces.read",
                "seo.contentPieces.submit",
                "seo.contentPieces.update",
                "seo.keywords.*",
                "seo.sites.*",
            ],
            Self::Viewer => &[
                "administration.names.resolve",
                "administration.settings.read",
                "crm.all",
                "crm.leads.read",
                "identity.organization.read",
                "seo.contentPieces.read",
                "seo.keywords.read",
                "seo.sites.read",
            ],
            Self::Finance | Self::Hr | Self::Support | Self::Operator => &[
                "administration.approvals.*",
                "administration.names.resolve",
                "administration.settings.read",
                "identity.members.read",
                "identity.organization.read",
            ],
            Self::Client => &[],
        }
    }

    /// What the role may do.
    pub fn permissions(self) -> PermissionSet {
        PermissionSet::matching(self.grants())
    }

    /// What whoever runs the instance may do, beside any role.
    pub fn platform_permissions() -> PermissionSet {
        PermissionSet::matching(&["platform.*"])
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or("not a role")
    }
}
