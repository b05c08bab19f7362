//! The demo's leads: a table of who enters which, and of what has happened to each since.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use devsphere_proto::{
    crm::v1::{
        AssignLeadRequest, ContactLeadRequest, CreateLeadRequest, DeleteLeadRequest,
        DisqualifyLeadRequest, Lead, LoseLeadRequest, QualifyLeadRequest, ReopenLeadRequest,
        UndoWinLeadRequest, WinLeadRequest,
    },
    r#type::v1::Money,
};
use serde::Deserialize;

use super::{
    client::{Client, SignedIn, refused},
    kept::Kept,
};

const TABLE: &str = include_str!("leads.csv");

/// Whoever acts on a lead that nobody owns, and enters what is everybody's.
pub(super) const MANAGER: &str = "amara";

/// One line of the table.
#[derive(Debug, Deserialize)]
struct Row {
    by: String,
    display_name: String,
    company: String,
    job_title: String,
    email: String,
    phone: String,
    website: String,
    source: String,
    /// In whole units of the currency.
    value: Option<i64>,
    currency: String,
    tags: String,
    note: String,
    /// Steps, as in `contact; give priya; lose: price`.
    story: String,
}

/// What happens to a lead.
#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    Give(Option<&'a str>),
    Contact,
    Qualify,
    Win,
    UndoWin,
    Lose(&'a str),
    Disqualify(&'a str),
    Reopen,
    Trash,
}

/// The people at work, by first name.
type People = HashMap<String, SignedIn>;

/// Enters every lead and tells its story, each step by whoever owns it then.
pub(super) async fn enter(client: &Client, kept: &Kept) -> Result<()> {
    let mut people = People::new();
    for person in &kept.people {
        people.insert(person.first_name(), client.sign_in(person).await?);
    }
    for row in rows()? {
        let entered = live(kept, &mut people, &row).await;
        entered.with_context(|| format!("cannot enter {}", row.company))?;
    }
    Ok(())
}

async fn live(kept: &Kept, people: &mut People, row: &Row) -> Result<()> {
    let request = CreateLeadRequest {
        lead: Some(row.lead()),
        request_id: kept.request_id(&row.company),
        validate_only: false,
    };
    let by = named(people, &row.by)?;
    let created = by.leads.create_lead(request).await.map_err(refused)?;
    let lead_id = created.into_inner().lead_id;
    let mut owner = row.by.as_str();
    for (number, step) in row.steps()?.into_iter().enumerate() {
        let request_id = kept.request_id(&format!("{} {number}", row.company));
        take(people, owner, &step, (lead_id.clone(), request_id)).await?;
        if let Step::Give(next) = step {
            owner = next.unwrap_or(MANAGER);
        }
    }
    Ok(())
}

async fn take(
    people: &mut People,
    owner: &str,
    step: &Step<'_>,
    (lead_id, request_id): (String, String),
) -> Result<()> {
    macro_rules! request {
        ($request:ident $(, $field:ident)*) => {
            $request { lead_id, request_id, etag: String::new() $(, $field)* }
        };
    }
    let owner_id = match step {
        Step::Give(Some(next)) => named(people, next)?.person_id.clone(),
        _ => String::new(),
    };
    let leads = &mut named(people, owner)?.leads;
    let done = match *step {
        Step::Give(_) => leads.assign_lead(request!(AssignLeadRequest, owner_id)).await.map(drop),
        Step::Contact => leads.contact_lead(request!(ContactLeadRequest)).await.map(drop),
        Step::Qualify => leads.qualify_lead(request!(QualifyLeadRequest)).await.map(drop),
        Step::Win => leads.win_lead(request!(WinLeadRequest)).await.map(drop),
        Step::UndoWin => leads.undo_win_lead(request!(UndoWinLeadRequest)).await.map(drop),
        Step::Reopen => leads.reopen_lead(request!(ReopenLeadRequest)).await.map(drop),
        Step::Trash => leads.delete_lead(request!(DeleteLeadRequest)).await.map(drop),
        Step::Lose(reason) => {
            let reason = reason.to_owned();
            leads.lose_lead(request!(LoseLeadRequest, reason)).await.map(drop)
        }
        Step::Disqualify(reason) => {
            let reason = reason.to_owned();
            leads.disqualify_lead(request!(DisqualifyLeadRequest, reason)).await.map(drop)
        }
    };
    done.map_err(refused).with_context(|| format!("{step:?} by {owner}"))
}

fn named<'a>(people: &'a mut People, name: &str) -> Result<&'a mut SignedIn> {
    people.get_mut(name).with_context(|| format!("nobody in the demo is called {name}"))
}

fn rows() -> Result<Vec<Row>> {
    let mut table = csv::Reader::from_reader(TABLE.as_bytes());
    table.deserialize().map(|row| row.context("a line of leads.csv")).collect()
}

impl Row {
    fn lead(&self) -> Lead {
        let money =
            |whole| Money { minor_units: whole * 100, currency_code: self.currency.clone() };
        Lead {
            display_name: self.display_name.clone(),
            company: self.company.clone(),
            job_title: self.job_title.clone(),
            email: self.email.clone(),
            phone: self.phone.clone(),
            website: self.website.clone(),
            source: self.source.clone(),
            value: self.value.map(money),
            tags: self.tags.split_whitespace().map(str::to_owned).collect(),
            note: self.note.clone(),
            ..Lead::default()
        }
    }

    fn steps(&self) -> Result<Vec<Step<'_>>> {
        let steps = self.story.split(';').map(str::trim).filter(|step| !step.is_empty());
        steps.map(Step::read).collect()
    }
}

impl<'a> Step<'a> {
    fn read(text: &'a str) -> Result<Self> {
        Ok(match text {
            "contact" => Self::Contact,
            "qualify" => Self::Qualify,
            "win" => Self::Win,
            "undo_win" => Self::UndoWin,
            "reopen" => Self::Reopen,
            "trash" => Self::Trash,
            "give nobody" => Self::Give(None),
            _ => match (text.strip_prefix("give "), text.split_once(": ")) {
                (Some(name), _) => Self::Give(Some(name)),
                (None, Some(("lose", reason))) => Self::Lose(reason),
                (None, Some(("disqualify", reason))) => Self::Disqualify(reason),
                _ => bail!("leads.csv knows no step {text:?}"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_reads_and_names_people_of_the_demo() {
        let people = Kept::fresh().unwrap().people;
        let known = |name: &str| people.iter().any(|person| person.first_name() == name);
        let rows = rows().unwrap();

        assert_eq!(rows.len(), 40);
        for row in &rows {
            assert!(known(&row.by), "{}", row.by);
            for step in row.steps().unwrap() {
                assert!(!matches!(step, Step::Give(Some(name)) if !known(name)), "{step:?}");
            }
        }
        assert!(known(MANAGER));
    }
}
