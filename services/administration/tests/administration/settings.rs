//! Settings: read, changed by whoever may, kept apart by organisation.

use devsphere_auth::Role;
use devsphere_proto::administration::v1::{
    self as pb, settings_service_client::SettingsServiceClient,
};
use devsphere_testkit::{Caller, CallerChannel, StatusExt as _, World};
use prost_types::FieldMask;
use sqlx::Row as _;
use tonic::{Code, Status};
use uuid::Uuid;

use super::world;

fn settings(caller: &Caller<'_>) -> SettingsServiceClient<CallerChannel> {
    SettingsServiceClient::new(caller.channel("administration"))
}

async fn get(caller: &Caller<'_>) -> Result<pb::Settings, Status> {
    settings(caller).get_settings(pb::GetSettingsRequest {}).await.map(tonic::Response::into_inner)
}

fn update(settings: pb::Settings, paths: &[&str]) -> pb::UpdateSettingsRequest {
    let paths = paths.iter().map(|path| (*path).into()).collect();
    let update_mask = Some(FieldMask { paths });
    pb::UpdateSettingsRequest { settings: Some(settings), update_mask, ..Default::default() }
}

async fn change(
    caller: &Caller<'_>,
    changed: pb::Settings,
    paths: &[&str],
) -> Result<pb::Settings, Status> {
    let answer = settings(caller).update_settings(update(changed, paths)).await;
    answer.map(tonic::Response::into_inner)
}

fn branded(title: &str) -> pb::Settings {
    let branding = pb::Branding {
        logo_url: "https://north.example/logo.svg".into(),
        accent_color: "#0f766e".into(),
        sender_name: "North".into(),
        support_email: "hello@north.example".into(),
        portal_title: title.into(),
    };
    pb::Settings { branding: Some(branding), ..Default::default() }
}

/// What the audit keeps of the organisation's settings, oldest first: before and after.
async fn audited(world: &World, organization: Uuid) -> Vec<(String, String)> {
    let rows = sqlx::query(
        "select before::text, after::text from platform.audit
         where org_id = $1 and action = 'settings.updated' and record_id = $1 order by create_time",
    );
    let mut admin = world.admin().await;
    let rows = rows.bind(organization).fetch_all(&mut admin).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn settings_that_nobody_changed_are_the_defaults() {
    let world = world().await;
    let north = world.org("north").await;
    let ceo = north.member("ada", Role::Ceo).await;

    let settings = get(&ceo).await.unwrap();

    assert_eq!(
        settings,
        pb::Settings {
            fiscal_year_start_month: 1,
            branding: Some(pb::Branding::default()),
            update_time: None,
            etag: "W0".into(),
            allowed_actions: vec!["update".into()],
        }
    );
}

#[tokio::test]
async fn a_change_is_there_for_everybody_of_the_organisation_and_nobody_else() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let ceo = north.member("ada", Role::Ceo).await;
    let operator = north.member("otto", Role::Operator).await;
    let foreigner = south.member("sven", Role::Ceo).await;

    let changed = change(&ceo, branded("North clients"), &["branding"]).await.unwrap();

    assert_eq!(
        (changed.branding, changed.etag.as_str()),
        (branded("North clients").branding, "W1")
    );
    assert!(changed.update_time.is_some());
    let seen = get(&operator).await.unwrap();
    assert_eq!((seen.branding, seen.allowed_actions), (branded("North clients").branding, vec![]));
    assert_eq!(get(&foreigner).await.unwrap().etag, "W0");
}

#[tokio::test]
async fn a_mask_reaches_one_field_of_the_branding() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    change(&ceo, branded("North clients"), &["branding"]).await.unwrap();

    let paths = ["branding.portal_title", "fiscal_year_start_month"];
    let other = pb::Settings { fiscal_year_start_month: 4, ..branded("Portal") };
    let changed = change(&ceo, other, &paths).await.unwrap();
    let cleared = change(&ceo, pb::Settings::default(), &paths).await.unwrap();

    assert_eq!(
        (changed.fiscal_year_start_month, changed.branding),
        (4, branded("Portal").branding)
    );
    assert_eq!((cleared.fiscal_year_start_month, cleared.branding), (1, branded("").branding));
}

#[tokio::test]
async fn each_change_leaves_before_and_after_by_field_and_what_changes_nothing_leaves_nothing() {
    let world = world().await;
    let north = world.org("north").await;
    let ceo = north.member("ada", Role::Ceo).await;

    change(&ceo, branded("One"), &["branding.portal_title"]).await.unwrap();
    let same = change(&ceo, branded("One"), &["branding.portal_title"]).await.unwrap();
    change(&ceo, branded("Two"), &["branding.portal_title"]).await.unwrap();

    let title = |title: &str| format!(r#"{{"branding.portal_title": "{title}"}}"#);
    assert_eq!(same.etag, "W1");
    assert_eq!(
        audited(&world, north.id().uuid()).await,
        [(title(""), title("One")), (title("One"), title("Two"))]
    );
}

#[tokio::test]
async fn a_stale_etag_is_refused_with_the_current_one() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    change(&ceo, branded("One"), &["branding"]).await.unwrap();

    let stale = pb::Settings { etag: "W0".into(), ..branded("Two") };
    let refused = change(&ceo, stale, &["branding"]).await.unwrap_err();

    assert_eq!(refused.code(), Code::Aborted);
    assert_eq!((refused.cause(), refused.metadata_of("etag")), ("stale_etag".into(), "W1".into()));
}

#[tokio::test]
async fn of_two_first_changes_at_once_neither_is_lost() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;

    let month = pb::Settings { fiscal_year_start_month: 7, ..Default::default() };
    let (one, other) = tokio::join!(
        change(&ceo, branded("One"), &["branding"]),
        change(&ceo, month, &["fiscal_year_start_month"]),
    );

    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    let settings = get(&ceo).await.unwrap();
    assert_eq!((settings.fiscal_year_start_month, settings.branding), (7, branded("One").branding));
    assert_eq!(settings.etag, "W2");
}

#[tokio::test]
async fn every_field_that_breaks_a_rule_is_named_at_once() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    let bad = pb::Settings {
        fiscal_year_start_month: 13,
        branding: Some(pb::Branding {
            logo_url: "http://north.example/logo.svg".into(),
            accent_color: "teal".into(),
            sender_name: "North\r\nBcc: everybody".into(),
            support_email: "nobody".into(),
            portal_title: "\t".into(),
        }),
        ..Default::default()
    };

    let refused = change(&ceo, bad, &["*"]).await.unwrap_err();

    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(
        refused.fields(),
        [
            "settings.fiscal_year_start_month",
            "settings.branding.logo_url",
            "settings.branding.accent_color",
            "settings.branding.sender_name",
            "settings.branding.support_email",
            "settings.branding.portal_title",
        ]
    );
}

#[tokio::test]
async fn an_unknown_mask_and_a_missing_permission_are_named() {
    let world = world().await;
    let north = world.org("north").await;
    let (ceo, manager) = (north.member("ada", Role::Ceo).await, north.member("max", Role::Manager));

    let unknown = change(&ceo, branded("One"), &["etag"]).await.unwrap_err();
    let forbidden = change(&manager.await, branded("One"), &["branding"]).await.unwrap_err();
    let nobody =
        get(&north.caller(&["crm.*", "administration.settings.update"])).await.unwrap_err();

    assert_eq!(
        (unknown.code(), unknown.fields()),
        (Code::InvalidArgument, vec!["update_mask".into()])
    );
    for (refused, missing) in [(forbidden, "update"), (nobody, "read")] {
        assert_eq!(
            (refused.code(), refused.reason().as_str()),
            (Code::PermissionDenied, "FORBIDDEN")
        );
        assert!(refused.message().contains(&format!("administration.settings.{missing}")));
    }
}

#[tokio::test]
async fn a_repeated_request_is_answered_again_and_carried_out_once() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    let request = pb::UpdateSettingsRequest {
        request_id: Uuid::now_v7().to_string(),
        ..update(branded("One"), &["branding"])
    };

    let first = settings(&ceo).update_settings(request.clone()).await.unwrap().into_inner();
    change(&ceo, branded("Two"), &["branding"]).await.unwrap();
    let again = settings(&ceo).update_settings(request).await.unwrap().into_inner();

    assert_eq!(again, first);
    assert_eq!(get(&ceo).await.unwrap().branding, branded("Two").branding);
}

#[tokio::test]
async fn a_change_may_be_checked_only() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    let request =
        pb::UpdateSettingsRequest { validate_only: true, ..update(branded("One"), &["branding"]) };

    let would_be = settings(&ceo).update_settings(request).await.unwrap().into_inner();

    assert_eq!((would_be.branding, would_be.etag.as_str()), (branded("One").branding, "W0"));
    assert_eq!(get(&ceo).await.unwrap().branding, Some(pb::Branding::default()));
}
