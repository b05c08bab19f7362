//! What a generation does to its piece: takes it, writes its text, or gives it back. Each within the
//! transaction of the generation, and each locks the piece first.

use devsphere_db::TenantTx;
use devsphere_error::Result;
use devsphere_ids::{ContentPieceId, PersonId};
use devsphere_proto::{
    agent::v1::DraftTask,
    seo::v1 as pb,
    r#type::v1::{Content, Finding},
};

use super::{
    ContentPiece, Outcome, Verb, checks,
    rpc::{emit, emit_step},
    store,
    version::{self, Origin, Version, Written},
};

/// What a version that an agent wrote says of itself.
const NOTE: &str = "Written by an agent.";

/// So much of a second reader is kept.
const MOST_FINDINGS: usize = 50;
const LONGEST_MESSAGE: usize = 500;
const LONGEST_RULE: usize = 100;
const LONGEST_QUOTE: usize = 200;

/// What an agent wrote, and what a second reader found in it.
pub(crate) struct Text {
    pub(crate) content: Content,
    pub(crate) findings: Vec<Finding>,
}

/// Refuses a piece that is not there.
pub(crate) async fn exists(tx: &mut TenantTx, id: ContentPieceId) -> Result<()> {
    store::fetch(tx, id).await.map(drop)
}

/// Takes the piece for an agent: nobody else changes it meanwhile. Answers what the agent writes from.
pub(crate) async fn take(
    tx: &mut TenantTx,
    id: ContentPieceId,
    etag: &str,
) -> Result<(ContentPiece, DraftTask)> {
    let before = store::fetch_for_update(tx, id).await?;
    let state = before.after(Verb::Generate, etag)?;
    before.need_topic()?;
    let task = version::store::fetch_surroundings(tx, &before).await?.task(&before);
    let piece = ContentPiece { generation_failure: String::new(), ..before.clone() };
    let piece = store::update_state(tx, &piece, state).await?;
    emit_step(tx, Verb::Generate, (&before, &piece), None)?;
    Ok((piece, task))
}

/// Adds the text as the newest version, for whoever asked for it; none where the piece is not at work.
pub(crate) async fn write(
    tx: &mut TenantTx,
    id: ContentPieceId,
    text: Text,
    author_id: PersonId,
) -> Result<Option<(ContentPiece, pb::ContentVersion)>> {
    let before = store::fetch_for_update(tx, id).await?;
    if Outcome::Written.from(before.state, before.version_number).is_none() {
        return Ok(None);
    }
    let measure = version::store::fetch_surroundings(tx, &before).await?.measure(&before);
    let Text { content, findings } = text;
    let checks = checks::check(&content, &measure, bounded(findings));
    let (origin, note) = (Origin::Agent, NOTE.to_owned());
    let written = Written { content, checks, origin, author_id, note };
    let piece = store::write(tx, id, &written).await?;
    emit(tx, Outcome::Written.event(), Some(&before), &piece, None)?;
    let version = Version::of(&piece, written).into();
    Ok(Some((piece, version)))
}

/// Leaves the piece as it was, with the reason for people; none where it is not at work.
pub(crate) async fn give_back(
    tx: &mut TenantTx,
    id: ContentPieceId,
    outcome: Outcome,
    failure: &str,
) -> Result<Option<ContentPiece>> {
    let before = store::fetch_for_update(tx, id).await?;
    let Some(state) = outcome.from(before.state, before.version_number) else { return Ok(None) };
    let piece = ContentPiece { generation_failure: failure.to_owned(), ..before.clone() };
    let piece = store::update_state(tx, &piece, state).await?;
    emit(tx, outcome.event(), Some(&before), &piece, None)?;
    Ok(Some(piece))
}

/// As few and as short as findings of our own: a second reader may say anything.
fn bounded(findings: Vec<Finding>) -> Vec<Finding> {
    let cut = |text: String, most| text.chars().take(most).collect();
    let said = findings.into_iter().filter(|finding| !finding.rule.is_empty());
    let bounded = said.take(MOST_FINDINGS).map(|finding| Finding {
        severity: finding.severity().into(),
        rule: cut(finding.rule, LONGEST_RULE),
        message: cut(finding.message, LONGEST_MESSAGE),
        quote: cut(finding.quote, LONGEST_QUOTE),
    });
    bounded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_reader_says_little_and_briefly() {
        let long = Finding { message: "m".repeat(9_000), rule: "r".into(), ..Finding::default() };
        let many = vec![long; 900];
        let nameless = Finding { message: "unnamed".into(), ..Finding::default() };

        let kept = bounded([vec![nameless], many].concat());

        assert_eq!(kept.len(), MOST_FINDINGS);
        assert!(kept.iter().all(|finding| finding.message.len() == LONGEST_MESSAGE));
    }
}
