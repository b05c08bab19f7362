//! Export: CSV in pieces that go on from a token.

use devsphere_auth::Role;
use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::StatusExt as _;
use tonic::Code;

use super::{create, creations, phrase, place};
use crate::{Keywords, keywords, world, writer};

/// What a stream brought.
pub(super) struct Exported {
    pub(super) text: String,
    pub(super) rows: i32,
    pub(super) tokens: Vec<String>,
}

pub(super) async fn all(keywords: &mut Keywords, request: pb::ExportKeywordsRequest) -> Exported {
    let mut stream = keywords.export_keywords(request).await.unwrap().into_inner();
    let mut exported = Exported { text: String::new(), rows: 0, tokens: Vec::new() };
    while let Some(chunk) = stream.message().await.unwrap() {
        exported.text.push_str(&String::from_utf8(chunk.csv).unwrap());
        exported.rows += chunk.row_count;
        exported.tokens.push(chunk.page_token);
    }
    exported
}

fn records(text: &str) -> Vec<csv::StringRecord> {
    let reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.into_records().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_keyword_is_exported_with_every_field_and_no_formula() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut keywords) = place(&writer(&north).await).await;
    let keyword = pb::Keyword {
        intent: pb::SearchIntent::Transactional.into(),
        monthly_volume: Some(320),
        tags: vec!["@one".into(), "two".into()],
        note: "two\r\nlines, \"quoted\"".into(),
        ..phrase(&site, "=cmd|' /C calc'!A0")
    };
    let keyword = create(&mut keywords, keyword).await;

    let exported = all(&mut keywords, pb::ExportKeywordsRequest::default()).await;

    let [header, row] = &records(&exported.text)[..] else { panic!("{}", exported.text) };
    let cell = |name: &str| &row[header.iter().position(|column| column == name).unwrap()];
    assert_eq!((cell("keyword_id"), cell("site_id")), (&*keyword.keyword_id, &*site.site_id));
    assert_eq!(cell("phrase"), format!("'{}", keyword.phrase));
    assert_eq!((cell("device"), cell("intent")), ("desktop", "transactional"));
    assert_eq!((cell("country"), cell("target_url"), cell("delete_time")), ("", "", ""));
    assert_eq!(cell("tags"), "'@one; two");
    assert_eq!(cell("note"), keyword.note);
    // Numbers are typed as numbers, everything else as text.
    assert!(exported.text.contains(",320,\""), "{}", exported.text);
    assert_eq!((exported.rows, exported.tokens), (1, vec![String::new()]));
}

#[tokio::test]
async fn an_export_comes_in_pieces_and_goes_on_from_each() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let (site, mut keywords) = place(&writer(&north).await).await;
    for begin in [0, 150] {
        let some = (begin..begin + 150).map(|n| phrase(&site, &format!("phrase {n}")));
        keywords.batch_create_keywords(creations(some)).await.unwrap();
    }
    let (theirs, mut their_keywords) = place(&writer(&south).await).await;
    create(&mut their_keywords, phrase(&theirs, "theirs")).await;

    let whole = all(&mut keywords, pb::ExportKeywordsRequest::default()).await;
    let page_token = whole.tokens[0].clone();
    let rest = pb::ExportKeywordsRequest { page_token, ..Default::default() };
    let rest = all(&mut keywords, rest).await;

    assert_eq!((whole.rows, whole.tokens.len(), rest.rows), (300, 2, 100));
    assert!(whole.text.ends_with(&rest.text), "no header, and the same rows");
    assert!(!whole.text.contains("theirs"));
}

#[tokio::test]
async fn an_export_is_filtered_like_a_list_and_needs_its_own_permission() {
    let world = world().await;
    let north = world.org("north").await;
    let (site, mut writing) = place(&writer(&north).await).await;
    let some = ["oak table", "oak chair", "elm"].map(|name| phrase(&site, name));
    writing.batch_create_keywords(creations(some)).await.unwrap();
    let mut reader = keywords(&north.member("victor", Role::Viewer).await);

    let filter = "phrase: oak".into();
    let found = all(&mut writing, pb::ExportKeywordsRequest { filter, ..Default::default() }).await;
    let filter = "stage = new".into();
    let wrong = pb::ExportKeywordsRequest { filter, ..Default::default() };
    let wrong = writing.export_keywords(wrong).await.unwrap_err();
    let refused = reader.export_keywords(pb::ExportKeywordsRequest::default()).await.unwrap_err();

    assert_eq!(found.rows, 2);
    assert_eq!(wrong.fields(), ["filter"]);
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(refused.metadata_of("permission"), "seo.keywords.export");
}
