//! Keywords.

mod batch;
mod export;
mod list;
mod parent;
mod standard;
mod taken;
mod trace;
mod trash;

use devsphere_proto::seo::v1 as pb;
use devsphere_testkit::Caller;
use tonic::Status;

use super::{Keywords, keywords, sites};
use crate::site;

/// A site, and the way to keywords.
async fn place(caller: &Caller<'_>) -> (pb::Site, Keywords) {
    let site = site::create(&mut sites(caller), site::named("lindqvist")).await;
    (site, keywords(caller))
}

fn phrase(site: &pb::Site, phrase: &str) -> pb::Keyword {
    pb::Keyword { site_id: site.site_id.clone(), phrase: phrase.into(), ..Default::default() }
}

fn creation(keyword: pb::Keyword) -> pb::CreateKeywordRequest {
    pb::CreateKeywordRequest { keyword: Some(keyword), ..Default::default() }
}

fn creations(keywords: impl IntoIterator<Item = pb::Keyword>) -> pb::BatchCreateKeywordsRequest {
    let requests = keywords.into_iter().map(creation).collect();
    pb::BatchCreateKeywordsRequest { requests, ..Default::default() }
}

async fn create(keywords: &mut Keywords, keyword: pb::Keyword) -> pb::Keyword {
    keywords.create_keyword(creation(keyword)).await.unwrap().into_inner()
}

async fn get(keywords: &mut Keywords, keyword_id: &str) -> Result<pb::Keyword, Status> {
    let request = pb::GetKeywordRequest { keyword_id: keyword_id.into() };
    keywords.get_keyword(request).await.map(tonic::Response::into_inner)
}

fn update(keyword: pb::Keyword, paths: &[&str]) -> pb::UpdateKeywordRequest {
    let update_mask = crate::mask(paths);
    pb::UpdateKeywordRequest { keyword: Some(keyword), update_mask, ..Default::default() }
}

async fn delete(
    keywords: &mut Keywords,
    keyword: &pb::Keyword,
) -> Result<pb::DeleteKeywordResponse, Status> {
    let (keyword_id, etag) = (keyword.keyword_id.clone(), keyword.etag.clone());
    let request = pb::DeleteKeywordRequest { keyword_id, etag, ..Default::default() };
    keywords.delete_keyword(request).await.map(tonic::Response::into_inner)
}

async fn undelete(keywords: &mut Keywords, keyword_id: &str) -> Result<pb::Keyword, Status> {
    let request =
        pb::UndeleteKeywordRequest { keyword_id: keyword_id.into(), ..Default::default() };
    keywords.undelete_keyword(request).await.map(tonic::Response::into_inner)
}

/// The phrases of all keywords that the caller is shown, in the list's order.
async fn phrases(keywords: &mut Keywords, request: pb::ListKeywordsRequest) -> Vec<String> {
    let page = keywords.list_keywords(request).await.unwrap().into_inner();
    page.keywords.into_iter().map(|keyword| keyword.phrase).collect()
}
