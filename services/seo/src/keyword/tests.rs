//! Keywords without a database.

use prost_types::FieldMask;

use super::*;
use crate::record;

fn keyword() -> Keyword {
    let at = DateTime::UNIX_EPOCH;
    Keyword {
        keyword_id: KeywordId::fresh(),
        site_id: SiteId::fresh(),
        phrase: "oak table".into(),
        country: "SE".into(),
        device: Device::Mobile,
        intent: Some(SearchIntent::Commercial),
        target_url: "https://lindqvist.example/oak".into(),
        monthly_volume: Some(320),
        tags: vec!["tables".into()],
        note: "a note".into(),
        create_time: at,
        update_time: at,
        delete_time: None,
        version: 1,
    }
}

fn empty() -> Content {
    Content {
        phrase: String::new(),
        country: String::new(),
        device: Device::Desktop,
        intent: None,
        target_url: String::new(),
        monthly_volume: None,
        tags: Vec::new(),
        note: String::new(),
    }
}

fn edit(keyword: &Keyword, paths: &[&str], content: Content) -> Edit {
    let paths = paths.iter().map(|path| (*path).into()).collect();
    let mask = Mask::new(Some(&FieldMask { paths }), Content::FIELDS).unwrap();
    Edit { keyword_id: keyword.keyword_id, etag: String::new(), mask, content }
}

fn fields(refused: Result<()>) -> Vec<String> {
    match refused {
        Err(Error::Invalid(found)) => found.into_iter().map(|found| found.field).collect(),
        other => panic!("no field is wrong: {other:?}"),
    }
}

#[test]
fn an_edit_writes_what_its_mask_names_and_clears_the_empty() {
    let keyword = keyword();
    let content = Content { note: "new".into(), ..empty() };

    let edited = edit(&keyword, &["intent", "monthly_volume", "note"], content).apply(&keyword);

    let note = "new".into();
    let wanted = Keyword { intent: None, monthly_volume: None, note, ..keyword };
    assert_eq!(edited.unwrap(), wanted);
}

#[test]
fn an_edit_leaves_a_phrase() {
    let keyword = keyword();

    let refused = edit(&keyword, &["phrase"], empty()).apply(&keyword);

    assert_eq!(fields(refused.map(drop)), ["keyword.phrase"]);
}

#[test]
fn a_page_is_looked_at_when_it_is_set_and_not_again() {
    let before = keyword();
    let target_url = "https://elsewhere.example/".to_owned();
    let moved = Keyword { target_url, ..before.clone() };
    let bare = Keyword { target_url: String::new(), ..before.clone() };
    let origin = |keyword: &Keyword| Draft::of(keyword, &before).origin;

    assert_eq!(origin(&moved).as_deref(), Some("https://elsewhere.example"));
    assert_eq!((origin(&before), origin(&bare)), (None, None));
}

#[test]
fn wrong_fields_are_told_together_and_before_anything_else() {
    let clear = Obstacle::default;
    let wrong = [
        Obstacle { holder: Some(KeywordId::fresh()), ..clear() },
        Obstacle { twin: true, astray: true, ..clear() },
        Obstacle { trashed_site: true, twin: true, ..clear() },
        Obstacle { unknown_site: true, ..clear() },
    ];

    assert_eq!(
        fields(refuse(&wrong, At::Batch)),
        [
            "requests[1].keyword.target_url",
            "requests[1].keyword.phrase",
            "requests[2].keyword.phrase",
            "requests[3].keyword.site_id",
        ]
    );
    assert_eq!(fields(refuse(&wrong[3..], At::Alone)), ["keyword.site_id"]);
    assert!(refuse(&[clear(), clear()], At::Batch).is_ok());
}

#[test]
fn a_trashed_site_is_told_before_a_taken_phrase_and_that_with_its_holder() {
    let holder = KeywordId::fresh();
    let held = Obstacle { holder: Some(holder), ..Obstacle::default() };
    let trashed = Obstacle { trashed_site: true, ..Obstacle::default() };

    let both = refuse(&[Obstacle { trashed_site: true, ..held }, trashed], At::Batch);
    let held = Obstacle { holder: Some(holder), ..Obstacle::default() };
    let taken = refuse(&[Obstacle::default(), held], At::Batch);

    assert!(matches!(both, Err(Error::InvalidState { cause: "trashed", .. })), "{both:?}");
    let Err(Error::Taken { field, holder: named, .. }) = taken else { panic!("{taken:?}") };
    assert_eq!(field, "requests[1].keyword.phrase");
    assert_eq!(named, format!("seo/keywords/{holder}"));
}

#[test]
fn its_verbs_are_those_of_the_contract() {
    record::tests::compare_with_contract::<Keyword>();
}
