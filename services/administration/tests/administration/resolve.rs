//! Names of records: what they stand for, for whom.

use devsphere_auth::Role;
use devsphere_proto::{
    administration::v1::{
        BatchResolveRequest, ResolveOutcome, ResolvedName,
        resolve_service_client::ResolveServiceClient,
    },
    crm::v1::{
        CreateLeadRequest, Lead, QualifyLeadRequest, lead_service_client::LeadServiceClient,
    },
    identity::v1::{ListMembersRequest, member_service_client::MemberServiceClient},
};
use devsphere_testkit::{Caller, StatusExt as _, World};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{EVERYTHING, world};

pub(crate) async fn lead(by: &Caller<'_>, lead: Lead) -> Lead {
    let create = CreateLeadRequest { lead: Some(lead), ..CreateLeadRequest::default() };
    let mut leads = LeadServiceClient::new(by.channel("crm"));
    leads.create_lead(create).await.unwrap().into_inner()
}

pub(crate) fn named(name: &str) -> Lead {
    Lead { display_name: name.into(), ..Lead::default() }
}

/// The membership of a person, as the caller sees it.
pub(crate) async fn member_id(by: &Caller<'_>, whose: &Caller<'_>) -> String {
    let mut members = MemberServiceClient::new(by.channel("identity"));
    let list = ListMembersRequest {
        filter: format!("person_id = \"{}\"", whose.person_id()),
        ..ListMembersRequest::default()
    };
    members.list_members(list).await.unwrap().into_inner().members[0].member_id.clone()
}

async fn resolve(by: &Caller<'_>, names: &[String]) -> Result<Vec<ResolvedName>, Status> {
    let mut resolver = ResolveServiceClient::new(by.channel("administration"));
    let request = BatchResolveRequest { names: names.to_vec() };
    Ok(resolver.batch_resolve(request).await?.into_inner().results)
}

fn outcomes(results: &[ResolvedName]) -> Vec<ResolveOutcome> {
    results.iter().map(ResolvedName::outcome).collect()
}

#[tokio::test]
async fn names_of_several_modules_come_back_in_their_order() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    let maria = lead(&ada, named("Maria Lindqvist")).await;
    let company = Lead { company: "Lindqvist Interiors".into(), ..Lead::default() };
    let company = lead(&ada, company).await;
    LeadServiceClient::new(ada.channel("crm"))
        .qualify_lead(QualifyLeadRequest { lead_id: maria.lead_id.clone(), ..Default::default() })
        .await
        .unwrap();
    let own = member_id(&ada, &ada).await;
    let names = [
        format!("crm/leads/{}", company.lead_id),
        format!("identity/members/{own}"),
        format!("crm/leads/{}", Uuid::now_v7()),
        format!("crm/leads/{}", maria.lead_id),
        format!("crm/rockets/{}", Uuid::now_v7()),
    ];

    let results = resolve(&ada, &names).await.unwrap();

    use ResolveOutcome::{Found, NotFound};
    assert_eq!(
        results.iter().map(|result| &result.name).collect::<Vec<_>>(),
        Vec::from_iter(&names)
    );
    assert_eq!(outcomes(&results), [Found, Found, NotFound, Found, NotFound]);
    let shown = |at: usize| {
        let result: &ResolvedName = &results[at];
        (result.title.as_str(), result.state.as_str(), result.url.as_str())
    };
    let of = |lead: &Lead| format!("https://devsphere.test/crm/leads/{}", lead.lead_id);
    assert_eq!(shown(0), ("Lindqvist Interiors", "new", of(&company).as_str()));
    assert_eq!(shown(1).0, "ada");
    assert_eq!((shown(1).1, shown(2)), ("active", ("", "", "")));
    assert_eq!(shown(3), ("Maria Lindqvist", "qualified", of(&maria).as_str()));
}

#[tokio::test]
async fn what_a_caller_may_not_read_looks_as_what_is_not_there() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    let sam = north.member("sam", Role::Sales).await;
    let hal = north.member("hal", Role::Hr).await;
    let olga = world.org("south").await.member("olga", Role::Ceo).await;
    let (hers, his) = (lead(&ada, named("Hers")).await, lead(&sam, named("His")).await);
    let theirs = lead(&olga, named("Theirs")).await;
    let member = member_id(&ada, &sam).await;
    let name = |lead: &Lead| format!("crm/leads/{}", lead.lead_id);
    let names = [
        name(&hers),
        name(&his),
        name(&theirs),
        format!("crm/leads/{}", Uuid::now_v7()),
        format!("identity/members/{member}"),
    ];

    let (by_ada, by_sam, by_hal) = (
        resolve(&ada, &names).await.unwrap(),
        resolve(&sam, &names).await.unwrap(),
        resolve(&hal, &names).await.unwrap(),
    );

    use ResolveOutcome::{Found, NotFound};
    assert_eq!(outcomes(&by_ada), [Found, Found, NotFound, NotFound, Found]);
    assert_eq!(outcomes(&by_sam), [NotFound, Found, NotFound, NotFound, Found]);
    assert_eq!(outcomes(&by_hal), [NotFound, NotFound, NotFound, NotFound, Found]);
    let unseen = |result: &ResolvedName| ResolvedName { name: String::new(), ..result.clone() };
    assert_eq!(unseen(&by_sam[0]), unseen(&by_sam[3]));
    assert_eq!(unseen(&by_sam[2]), unseen(&by_sam[3]));
}

#[tokio::test]
async fn a_module_that_is_away_leaves_the_others_names_known() {
    let [identity, administration, _] = EVERYTHING;
    let world = World::start(&[identity, administration]).await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    let own = member_id(&ada, &ada).await;
    let names = [format!("crm/leads/{}", Uuid::now_v7()), format!("identity/members/{own}")];

    let results = resolve(&ada, &names).await.unwrap();

    assert_eq!(outcomes(&results), [ResolveOutcome::Unavailable, ResolveOutcome::Found]);
}

#[tokio::test]
async fn two_hundred_names_are_looked_up_and_no_more() {
    let world = world().await;
    let north = world.org("north").await;
    let ada = north.member("ada", Role::Ceo).await;
    let names = |count: usize| -> Vec<_> {
        (0..count).map(|_| format!("crm/leads/{}", Uuid::now_v7())).collect()
    };
    let nobody = north.caller(&["crm.*"]);

    let all = resolve(&ada, &names(200)).await.unwrap();
    let too_many = resolve(&ada, &names(201)).await.unwrap_err();
    let malformed = resolve(&ada, &["leads".into()]).await.unwrap_err();
    let refused = resolve(&nobody, &names(1)).await.unwrap_err();

    assert_eq!(all.len(), 200);
    assert_eq!(too_many.code(), Code::InvalidArgument);
    assert_eq!(malformed.fields(), ["names[0]"]);
    assert_eq!(refused.metadata_of("permission"), "administration.names.resolve");
}
