//! The agents that every organisation has from the start, as they are delivered.

use aws_lc_rs::digest::{SHA256, digest};
use devsphere_error::{Error, Result};
use devsphere_ids::AgentId;
use devsphere_proto::administration::v1::{AgentType, Department};
use uuid::{Builder, Uuid};

use super::Autonomy;

/// What an agent is, and what it is delivered with. Whatever may be changed but is not named here is
/// delivered empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seed {
    /// Its name in code and in rows: it never changes.
    pub(super) key: &'static str,
    pub(super) department: Department,
    pub(super) agent_type: AgentType,
    pub(super) display_name: &'static str,
    pub(super) description: &'static str,
    pub(super) prompt: &'static str,
    pub(super) autonomy: Autonomy,
}

macro_rules! seeds {
    ($($department:ident $agent_type:ident $key:literal: $display_name:literal, $description:literal;)+) => {
        /// All of them, department by department, directors first.
        pub(super) static SEEDS: &[Seed] = &[$(Seed {
            key: $key,
            department: Department::$department,
            agent_type: AgentType::$agent_type,
            display_name: $display_name,
            description: $description,
            prompt: include_str!(concat!("prompts/", $key, ".md")).trim_ascii_end(),
            autonomy: autonomy(AgentType::$agent_type),
        }),+];
    };
}

seeds! {
    Executive Director "executive-director":
        "CEO agent", "Sums up how the whole agency stands, and lays out options for whoever leads it.";
    Operations Director "operations-director":
        "Operations agent", "Keeps work, people and time in view across all projects.";
    Operations Specialist "operations-project-manager":
        "Project Manager", "Prepares plans, status reports and notes for one project at a time.";
    Sales Director "sales-director":
        "Sales agent", "Sums up leads, suggests next steps, and drafts messages and offers.";
    Seo Director "seo-director":
        "SEO agent", "Drafts audits, topic plans and briefs for being found in searches.";
    Seo Specialist "seo-content-writer":
        "Content Writer", "Drafts articles and pages for websites and blogs.";
    CustomerSuccess Director "customer-success-director":
        "Customer Success agent", "Sums up how clients fare, and prepares what is said to them.";
    CustomerSuccess Specialist "customer-success-support":
        "Support agent", "Drafts answers to tickets, and sums up long ones.";
    Marketing Director "marketing-director":
        "Marketing agent", "Drafts campaign plans, newsletters, posts and reports.";
    Hr Director "hr-director":
        "HR agent", "Drafts job descriptions, guides, policies and plans for new colleagues.";
    Finance Director "finance-director":
        "Finance agent", "Explains invoices, expenses and differences, and drafts reminders.";
}

/// Specialists prepare drafts; whoever oversees a department answers when asked.
const fn autonomy(agent_type: AgentType) -> Autonomy {
    match agent_type {
        AgentType::Specialist => Autonomy::Draft,
        _ => Autonomy::Suggest,
    }
}

impl Seed {
    /// The agent of that id in that organisation.
    ///
    /// # Errors
    /// `NotFound`, for another organisation's too.
    pub(super) fn of(organization: Uuid, agent_id: AgentId) -> Result<&'static Self> {
        Self::only(|seed| seed.agent_id(organization) == agent_id)
    }

    /// The agent of that key.
    ///
    /// # Errors
    /// `NotFound`.
    pub(super) fn by_key(key: &str) -> Result<&'static Self> {
        Self::only(|seed| seed.key == key)
    }

    fn only(wanted: impl Fn(&Self) -> bool) -> Result<&'static Self> {
        SEEDS.iter().find(|seed| wanted(seed)).ok_or(Error::NotFound("agent"))
    }

    /// Its id in that organisation: a UUID of version 8 from a SHA-256, so that it needs no row.
    pub(super) fn agent_id(&self, organization: Uuid) -> AgentId {
        let named = [organization.as_bytes(), self.key.as_bytes()].concat();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest(&SHA256, &named).as_ref()[..16]);
        Builder::from_custom_bytes(bytes).into_uuid().into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const NORTH: Uuid = Uuid::from_u128(1);
    const SOUTH: Uuid = Uuid::from_u128(2);

    #[test]
    fn each_agent_has_its_own_id_in_each_organisation_and_keeps_it() {
        let ids = |organization| SEEDS.iter().map(move |seed| seed.agent_id(organization).uuid());
        let all: BTreeSet<_> = ids(NORTH).chain(ids(SOUTH)).collect();

        assert_eq!(all.len(), 2 * SEEDS.len());
        assert!(all.iter().all(|id| id.get_version_num() == 8));
        let writer = Seed::by_key("seo-content-writer").unwrap();
        assert_eq!(writer.agent_id(NORTH).to_string(), "6fd32783-71ff-8510-8e96-01f02d096790");
    }

    #[test]
    fn an_id_finds_its_agent_in_its_own_organisation_alone() {
        for seed in SEEDS {
            let id = seed.agent_id(NORTH);
            assert_eq!(Seed::of(NORTH, id).unwrap(), seed);
            assert!(matches!(Seed::of(SOUTH, id), Err(Error::NotFound("agent"))));
        }
    }

    #[test]
    fn every_department_has_one_director_before_its_specialists() {
        let mut begun = Vec::new();
        for seed in SEEDS {
            let is_first = !begun.contains(&seed.department);
            assert_eq!(seed.agent_type == AgentType::Director, is_first, "{}", seed.key);
            assert!(is_first || begun.last() == Some(&seed.department), "{}", seed.key);
            begun.push(seed.department);
        }
        begun.dedup();
        let all = (1..).map_while(|number| Department::try_from(number).ok());
        assert_eq!(begun, all.collect::<Vec<_>>());
    }

    #[test]
    fn every_prompt_draws_the_lines_that_no_agent_crosses() {
        for Seed { key, prompt, .. } in SEEDS {
            for line in [
                "never decide",
                "never act on your own",
                "never guarantee",
                "source",
                "not know",
                "never orders",
                "a person",
                "passwords",
            ] {
                assert!(prompt.contains(line), "{key} does not say {line:?}");
            }
            assert!((1_500..20_000).contains(&prompt.len()), "{key}: {}", prompt.len());
            assert_eq!(prompt.trim(), *prompt, "{key}");
        }
    }
}
