//! The organisation: what its people read and change of it, and what the installation limits.

use devsphere_auth::Role as Right;
use devsphere_proto::identity::v1::{
    ClaimPlatformAdminRequest, GetMeRequest, GetOrganizationRequest, Organization,
    SetOrganizationLimitsRequest, UpdateOrganizationRequest,
    organization_service_client::OrganizationServiceClient,
    person_service_client::PersonServiceClient,
};
use devsphere_testkit::{CallerChannel, StatusExt as _, World};
use prost_types::FieldMask;
use sqlx::Executor as _;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::setup::{colleague, founder, speaking, world};

type Organizations = OrganizationServiceClient<CallerChannel>;

async fn get(organizations: &mut Organizations) -> Result<Organization, Status> {
    let got = organizations.get_organization(GetOrganizationRequest {}).await;
    got.map(tonic::Response::into_inner)
}

fn change(organization: Organization, paths: &[&str]) -> UpdateOrganizationRequest {
    UpdateOrganizationRequest {
        organization: Some(organization),
        update_mask: Some(FieldMask { paths: paths.iter().map(|path| (*path).into()).collect() }),
        ..UpdateOrganizationRequest::default()
    }
}

async fn update(
    organizations: &mut Organizations,
    request: UpdateOrganizationRequest,
) -> Result<Organization, Status> {
    organizations.update_organization(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn every_member_reads_the_organisation_and_only_those_who_may_change_it() {
    let world = world().await;
    let north = world.org("north").await;
    let mut ceo =
        OrganizationServiceClient::new(north.member("ada", Right::Ceo).await.channel("identity"));
    let mut viewer = OrganizationServiceClient::new(
        north.member("vic", Right::Viewer).await.channel("identity"),
    );
    let renamed = || Organization { display_name: " Nordwind ".into(), ..Default::default() };

    let read = get(&mut viewer).await.unwrap();
    let refused = update(&mut viewer, change(renamed(), &["display_name"])).await.unwrap_err();
    let changed = update(&mut ceo, change(renamed(), &["display_name"])).await.unwrap();

    assert_eq!((read.display_name.as_str(), read.allowed_actions.len()), ("north", 0));
    assert_eq!(refused.metadata_of("permission"), "identity.organization.update");
    assert_eq!(changed.display_name, "Nordwind");
    assert_eq!((changed.time_zone.as_str(), changed.locale.as_str()), ("Europe/Berlin", "en"));
    assert_eq!(changed.allowed_actions, ["update"]);
    assert_ne!(changed.etag, read.etag);
    assert_eq!(get(&mut viewer).await.unwrap().etag, changed.etag);
}

#[tokio::test]
async fn a_change_is_over_the_version_read_and_repeats_its_answer() {
    let world = world().await;
    let north = world.org("north").await;
    let mut ceo =
        OrganizationServiceClient::new(north.member("ada", Right::Ceo).await.channel("identity"));
    let before = get(&mut ceo).await.unwrap();
    let to = |currency: &str| Organization {
        currency_code: currency.into(),
        etag: before.etag.clone(),
        ..Organization::default()
    };
    let request = UpdateOrganizationRequest {
        request_id: Uuid::now_v7().to_string(),
        ..change(to("SEK"), &["currency_code"])
    };

    let dry =
        UpdateOrganizationRequest { validate_only: true, ..change(to("SEK"), &["currency_code"]) };
    let would_be = update(&mut ceo, dry).await.unwrap();
    let untouched = get(&mut ceo).await.unwrap();
    let first = update(&mut ceo, request.clone()).await.unwrap();
    let again = update(&mut ceo, request).await.unwrap();
    let stale = update(&mut ceo, change(to("NOK"), &["currency_code"])).await.unwrap_err();

    assert_eq!((would_be.currency_code.as_str(), &untouched), ("SEK", &before));
    assert_eq!(first, again);
    assert_eq!((stale.code(), stale.metadata_of("etag")), (Code::Aborted, first.etag));
}

#[tokio::test]
async fn what_is_no_zone_currency_or_name_is_refused_all_at_once() {
    let world = world().await;
    let north = world.org("north").await;
    let mut ceo =
        OrganizationServiceClient::new(north.member("ada", Right::Ceo).await.channel("identity"));
    let wrong = Organization {
        display_name: "  ".into(),
        time_zone: "Mars/Olympus".into(),
        currency_code: "XQX".into(),
        ..Organization::default()
    };

    let refused = update(&mut ceo, change(wrong, &["*"])).await.unwrap_err();

    let mut fields = refused.fields();
    fields.sort_unstable();
    assert_eq!(
        fields,
        ["currency_code", "display_name", "locale", "time_zone"]
            .map(|field| format!("organization.{field}"))
    );
}

#[tokio::test]
async fn another_organisations_id_is_as_unknown_as_nobodys() {
    let world = world().await;
    let north = world.org("north").await;
    let south = world.org("south").await;
    let mut ceo =
        OrganizationServiceClient::new(north.member("ada", Right::Ceo).await.channel("identity"));
    let named = |id: String| {
        let organization = Organization {
            organization_id: id,
            display_name: "Mine".into(),
            ..Organization::default()
        };
        change(organization, &["display_name"])
    };

    let theirs = update(&mut ceo, named(south.id().to_string())).await.unwrap_err();
    let nobodys = update(&mut ceo, named(Uuid::now_v7().to_string())).await.unwrap_err();
    let own = update(&mut ceo, named(north.id().to_string())).await;

    assert_eq!(theirs.code(), Code::NotFound);
    assert_eq!((theirs.message(), theirs.reason()), (nobodys.message(), nobodys.reason()));
    assert!(own.is_ok());
}

#[tokio::test]
async fn the_next_assertion_knows_the_new_currency() {
    let world = world().await;
    let grant = founder(&world).await;
    let mut ceo = OrganizationServiceClient::new(speaking(&world, &grant).await);
    let to = Organization { currency_code: "SEK".into(), ..Organization::default() };

    update(&mut ceo, change(to, &["currency_code"])).await.unwrap();

    let me = PersonServiceClient::new(speaking(&world, &grant).await)
        .get_me(GetMeRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(me.organization.unwrap().currency_code, "SEK");
}

async fn administrator(world: &World) -> CallerChannel {
    let arrange = "update identity.instance set admin_code_hash = sha256('AAAABBBBCCCCDDDD')";
    world.admin().await.execute(arrange).await.unwrap();
    let grant = founder(world).await;
    let claim =
        ClaimPlatformAdminRequest { code: "AAAABBBBCCCCDDDD".into(), request_id: String::new() };
    PersonServiceClient::new(speaking(world, &grant).await)
        .claim_platform_admin(claim)
        .await
        .unwrap();
    speaking(world, &grant).await
}

#[tokio::test]
async fn whoever_runs_the_installation_limits_an_organisation_and_its_ceo_does_not() {
    let world = world().await;
    let south = world.org("south").await;
    let mut administrator = OrganizationServiceClient::new(administrator(&world).await);
    let mut ceo =
        OrganizationServiceClient::new(south.member("olga", Right::Ceo).await.channel("identity"));
    let limit = |organization_id: String| SetOrganizationLimitsRequest {
        organization_id,
        requests_per_minute: 30,
        request_id: String::new(),
    };

    let by_ceo = ceo.set_organization_limits(limit(south.id().to_string())).await.unwrap_err();
    let nobodys =
        administrator.set_organization_limits(limit(Uuid::now_v7().to_string())).await.unwrap_err();
    administrator.set_organization_limits(limit(south.id().to_string())).await.unwrap();

    assert_eq!(by_ceo.metadata_of("permission"), "platform.organizations.limit");
    assert_eq!(nobodys.code(), Code::NotFound);
    assert_eq!(get(&mut ceo).await.unwrap().requests_per_minute, 30);
}

#[tokio::test]
async fn a_customers_person_does_not_read_it() {
    let world = world().await;
    let north = world.org("north").await;
    let client = north.member("carl", Right::Client).await;

    let refused =
        get(&mut OrganizationServiceClient::new(client.channel("identity"))).await.unwrap_err();

    assert_eq!(refused.metadata_of("permission"), "identity.organization.read");
    // A colleague in another role does.
    let grant = founder(&world).await;
    let role = devsphere_proto::identity::v1::Role::Support;
    let sam = colleague(&world, &grant, "sam@example.com", role).await;
    assert!(get(&mut OrganizationServiceClient::new(speaking(&world, &sam).await)).await.is_ok());
}
