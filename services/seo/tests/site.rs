//! Sites.

mod list;
mod standard;
mod taken;
mod trace;
mod trash;

use devsphere_proto::seo::v1 as pb;
use tonic::Status;

use super::Sites;

/// A site of that name, with an address that is made of it.
pub(super) fn named(name: &str) -> pb::Site {
    pb::Site {
        display_name: name.into(),
        base_url: format!("https://{name}.example"),
        language: "en".into(),
        ..Default::default()
    }
}

fn creation(site: pb::Site) -> pb::CreateSiteRequest {
    pb::CreateSiteRequest { site: Some(site), ..Default::default() }
}

pub(super) async fn create(sites: &mut Sites, site: pb::Site) -> pb::Site {
    sites.create_site(creation(site)).await.unwrap().into_inner()
}

async fn get(sites: &mut Sites, site_id: &str) -> Result<pb::Site, Status> {
    let request = pb::GetSiteRequest { site_id: site_id.into() };
    sites.get_site(request).await.map(tonic::Response::into_inner)
}

fn update(site: pb::Site, paths: &[&str]) -> pb::UpdateSiteRequest {
    let update_mask = crate::mask(paths);
    pb::UpdateSiteRequest { site: Some(site), update_mask, ..Default::default() }
}

pub(super) async fn delete(
    sites: &mut Sites,
    site: &pb::Site,
) -> Result<pb::DeleteSiteResponse, Status> {
    let (site_id, etag) = (site.site_id.clone(), site.etag.clone());
    let request = pb::DeleteSiteRequest { site_id, etag, ..Default::default() };
    sites.delete_site(request).await.map(tonic::Response::into_inner)
}

async fn undelete(sites: &mut Sites, site_id: &str, etag: &str) -> Result<pb::Site, Status> {
    let (site_id, etag) = (site_id.into(), etag.into());
    let request = pb::UndeleteSiteRequest { site_id, etag, ..Default::default() };
    sites.undelete_site(request).await.map(tonic::Response::into_inner)
}

/// The names of all sites that the caller is shown, in the list's order.
async fn names(sites: &mut Sites, request: pb::ListSitesRequest) -> Vec<String> {
    let page = sites.list_sites(request).await.unwrap().into_inner();
    page.sites.into_iter().map(|site| site.display_name).collect()
}
