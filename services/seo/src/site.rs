//! What a site is and which changes are legal.

mod list;
mod rpc;
mod store;
mod wire;

use chrono::{DateTime, Utc};
use devsphere_error::{Check, Error, Result};
use devsphere_ids::SiteId;
use devsphere_proto::seo::v1 as pb;
use devsphere_rpc::{editable, mask::Mask};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    record::{Noun, Record, Verb, noun},
    word::words,
};
pub(crate) use rpc::Sites;

/// A website that content is written for. Its JSON is what events and audit show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
struct Site {
    site_id: SiteId,
    display_name: String,
    /// An origin in its one spelling.
    base_url: String,
    /// Empty where it is the organisation's own.
    client_name: String,
    language: String,
    country: String,
    voice: String,
    forbidden_claims: Vec<String>,
    note: String,
    approval_gate: ApprovalGate,
    create_time: DateTime<Utc>,
    #[serde(skip)]
    update_time: DateTime<Utc>,
    delete_time: Option<DateTime<Utc>>,
    #[serde(skip)]
    version: i64,
}

words! {
    /// Whether content needs somebody's decision before it counts as approved.
    ApprovalGate: Required = "required", None = "none"
}

/// A site to be: checked input.
#[derive(Debug)]
struct Draft {
    site_id: SiteId,
    content: Content,
}

/// What people write into a site.
#[derive(Debug)]
struct Content {
    display_name: String,
    base_url: String,
    client_name: String,
    language: String,
    country: String,
    voice: String,
    forbidden_claims: Vec<String>,
    note: String,
    approval_gate: ApprovalGate,
}

/// What an update writes, over which version.
#[derive(Debug)]
struct Edit {
    site_id: SiteId,
    etag: String,
    mask: Mask,
    content: Content,
}

impl Record for Site {
    const NOUN: Noun = noun!("site", "sites");

    fn id(&self) -> Uuid {
        self.site_id.uuid()
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn delete_time(&self) -> Option<DateTime<Utc>> {
        self.delete_time
    }
}

impl Edit {
    /// The site as it would be.
    fn apply(self, site: &Site) -> Result<Site> {
        site.check(Verb::Update, &self.etag)?;
        let mut edited = site.clone();
        self.content.write(&self.mask, &mut edited);
        let mut check = Check::default();
        need([&edited.display_name, &edited.base_url, &edited.language], &mut check);
        check.done()?;
        Ok(edited)
    }
}

editable!(
    Content => Site: display_name, base_url, client_name, language, country, voice, forbidden_claims, note,
    approval_gate,
);

/// Notes each of the three fields that is missing.
fn need(values: [&String; 3], check: &mut Check) {
    for (field, value) in ["display_name", "base_url", "language"].into_iter().zip(values) {
        if value.is_empty() {
            check.note(format!("site.{field}"), "is required");
        }
    }
}

/// The refusal of an origin that another site has.
fn taken(holder: SiteId) -> Error {
    Error::Taken {
        what: "a site with this base_url",
        field: "site.base_url".into(),
        holder: format!("seo/sites/{holder}"),
    }
}

#[cfg(test)]
mod tests {
    use prost_types::FieldMask;

    use super::*;
    use crate::record;

    fn site() -> Site {
        let at = DateTime::UNIX_EPOCH;
        Site {
            site_id: SiteId::fresh(),
            display_name: "Lindqvist".into(),
            base_url: "https://lindqvist.example".into(),
            client_name: String::new(),
            language: "sv".into(),
            country: "SE".into(),
            voice: String::new(),
            forbidden_claims: vec!["cheap".into()],
            note: String::new(),
            approval_gate: ApprovalGate::None,
            create_time: at,
            update_time: at,
            delete_time: None,
            version: 1,
        }
    }

    fn edit(site: &Site, paths: &[&str], content: Content) -> Edit {
        let paths = paths.iter().map(|path| (*path).into()).collect();
        let mask = Mask::new(Some(&FieldMask { paths }), Content::FIELDS).unwrap();
        Edit { site_id: site.site_id, etag: String::new(), mask, content }
    }

    fn empty() -> Content {
        Content {
            display_name: String::new(),
            base_url: String::new(),
            client_name: String::new(),
            language: String::new(),
            country: String::new(),
            voice: String::new(),
            forbidden_claims: Vec::new(),
            note: String::new(),
            approval_gate: ApprovalGate::Required,
        }
    }

    #[test]
    fn an_edit_writes_what_its_mask_names_and_clears_the_empty() {
        let site = site();
        let content = Content { voice: "warm".into(), note: "passed over".into(), ..empty() };

        let edited = edit(&site, &["voice", "country", "approval_gate"], content).apply(&site);

        let (voice, country) = ("warm".into(), String::new());
        let wanted = Site { voice, country, approval_gate: ApprovalGate::Required, ..site };
        assert_eq!(edited.unwrap(), wanted);
    }

    #[test]
    fn an_edit_leaves_a_site_that_is_whole() {
        let site = site();

        let refused = edit(&site, &["*"], empty()).apply(&site);

        let Err(Error::Invalid(violations)) = refused else { panic!("{refused:?}") };
        let fields: Vec<_> = violations.iter().map(|found| found.field.as_str()).collect();
        assert_eq!(fields, ["site.display_name", "site.base_url", "site.language"]);
    }

    #[test]
    fn its_verbs_are_those_of_the_contract() {
        record::tests::compare_with_contract::<Site>();
    }
}
