//! The demo's own site, and the phrases that it wants to be found with.

use anyhow::{Context as _, Result};
use devsphere_proto::seo::v1::{
    BatchCreateKeywordsRequest, CreateKeywordRequest, CreateSiteRequest, Keyword, SearchIntent,
    Site,
};
use serde::Deserialize;

use super::{
    client::{Client, refused},
    kept::Kept,
    leads::MANAGER,
};

const TABLE: &str = include_str!("keywords.csv");

const BASE_URL: &str = "https://northwind.example";

/// One line of the table.
#[derive(Debug, Deserialize)]
struct Row {
    phrase: String,
    /// In a word; empty where nobody knows.
    intent: String,
    /// Empty where there is no page yet.
    target_path: String,
    monthly_volume: Option<i32>,
    tags: String,
}

/// Enters the site and its keywords.
pub(super) async fn enter(client: &Client, kept: &Kept) -> Result<()> {
    let manager = kept.people.iter().find(|person| person.first_name() == MANAGER);
    let mut manager = client.sign_in(manager.context("the demo has no manager")?).await?;
    let request = CreateSiteRequest {
        site: Some(site()),
        request_id: kept.request_id("site"),
        validate_only: false,
    };
    let created = manager.sites.create_site(request).await.map_err(refused);
    let site_id = created.context("cannot enter the site")?.into_inner().site_id;
    let requests = rows()?.iter().map(|row| row.request(&site_id)).collect::<Result<_>>()?;
    let request = BatchCreateKeywordsRequest { requests, request_id: kept.request_id("keywords") };
    let created = manager.keywords.batch_create_keywords(request).await.map_err(refused);
    created.context("cannot enter the keywords")?;
    Ok(())
}

fn site() -> Site {
    Site {
        display_name: "Northwind Studio".into(),
        base_url: BASE_URL.into(),
        language: "en".into(),
        country: "DE".into(),
        voice: "Plain and friendly, to owners of small companies. Short sentences, no jargon."
            .into(),
        forbidden_claims: ["number one on Google", "guaranteed results"].map(Into::into).into(),
        ..Site::default()
    }
}

fn rows() -> Result<Vec<Row>> {
    let mut table = csv::Reader::from_reader(TABLE.as_bytes());
    table.deserialize().map(|row| row.context("a line of keywords.csv")).collect()
}

impl Row {
    fn request(&self, site_id: &str) -> Result<CreateKeywordRequest> {
        let intent = match self.intent.as_str() {
            "" => SearchIntent::Unspecified,
            word => {
                let name = format!("SEARCH_INTENT_{}", word.to_uppercase());
                let known = SearchIntent::from_str_name(&name);
                known.with_context(|| format!("keywords.csv knows no intent {word:?}"))?
            }
        };
        let page = Some(&self.target_path).filter(|path| !path.is_empty());
        let keyword = Keyword {
            site_id: site_id.to_owned(),
            phrase: self.phrase.clone(),
            intent: intent.into(),
            target_url: page.map(|path| format!("{BASE_URL}{path}")).unwrap_or_default(),
            monthly_volume: self.monthly_volume,
            tags: self.tags.split_whitespace().map(str::to_owned).collect(),
            ..Keyword::default()
        };
        Ok(CreateKeywordRequest { keyword: Some(keyword), ..CreateKeywordRequest::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_reads() {
        let rows = rows().unwrap();

        assert_eq!(rows.len(), 8);
        for row in &rows {
            let keyword = row.request("").unwrap().keyword.unwrap();
            assert!(!keyword.phrase.is_empty());
        }
    }
}
