//! Signed out, revoked, deactivated, of another role: without any use within a second, at the gateway
//! and at every service.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use devsphere_proto::identity::v1::{
    DeactivateMemberRequest, GetMemberRequest, Member, RevokeSessionRequest, Role, SignOutRequest,
    UpdateMemberRequest, session_service_client::SessionServiceClient,
};
use futures_util::{StreamExt as _, stream};
use prost_types::FieldMask;
use tonic::Code;
use uuid::Uuid;

use super::people::{PLACES, Someone};
use crate::{
    counts::full_or,
    whole::{Mesh, Person},
};

/// The promise while the feed lives.
const PROMISE: Duration = Duration::from_secs(1);

/// So many end at the same time, while so many others work.
const AT_ONCE: usize = 4;
const OTHERS: usize = 2;

const WAYS: [&str; 4] = ["sign-out", "revoked session", "deactivation", "role change"];

/// Ends what somebody holds.
async fn end(mesh: &Mesh, ceo: &Person, someone: &Someone, way: &str) {
    let member_id = someone.member.to_string();
    match way {
        "sign-out" => {
            let mut sessions = SessionServiceClient::new(someone.signed(mesh));
            sessions.sign_out(SignOutRequest {}).await.unwrap();
        }
        "revoked session" => {
            let elsewhere = someone.again(mesh).await;
            let session_id = someone.session.to_string();
            let request = RevokeSessionRequest { session_id };
            SessionServiceClient::new(elsewhere.signed(mesh))
                .revoke_session(request)
                .await
                .unwrap();
        }
        "deactivation" => {
            let request =
                DeactivateMemberRequest { member_id, ..DeactivateMemberRequest::default() };
            ceo.members().deactivate_member(request).await.unwrap();
        }
        _ => {
            let found = ceo.members().get_member(GetMemberRequest { member_id }).await.unwrap();
            let member = Member { role: Role::Viewer.into(), ..found.into_inner() };
            let request = UpdateMemberRequest {
                member: Some(member),
                update_mask: Some(FieldMask { paths: vec!["role".into()] }),
                ..UpdateMemberRequest::default()
            };
            ceo.members().update_member(request).await.unwrap();
        }
    }
}

/// One way for one person; how long each place still let them in.
async fn one(
    mesh: &Mesh,
    ceo: &Person,
    org: Uuid,
    way: &'static str,
) -> Vec<(&'static str, Duration)> {
    let someone = Someone::arrange(mesh, org).await;
    for place in PLACES {
        someone.read(mesh, place).await.unwrap();
    }
    end(mesh, ceo, &someone, way).await;
    let since = Instant::now();
    let places = PLACES.map(|place| someone.let_in(mesh, place, since));
    let took = futures_util::future::join_all(places).await;
    // Once out, out: whatever is cached anywhere.
    for place in PLACES {
        assert!(someone.read(mesh, place).await.is_err(), "{way} at {place}");
    }
    PLACES.into_iter().zip(took).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_is_let_in_nowhere_a_second_later() {
    let mesh = Mesh::start().await;
    let ceo = mesh.founder().await;
    let org: Uuid = ceo.grant.organization_id.parse().unwrap();
    let workers: Vec<_> =
        stream::iter(0..OTHERS).then(|_| Someone::arrange(&mesh, org)).collect().await;
    let over = AtomicBool::new(false);
    let work = workers.iter().map(|worker| async {
        let mut done = 0;
        while !over.load(Ordering::Relaxed) {
            match worker.read(&mesh, "gateway").await {
                Ok(()) => done += 1,
                // A busy machine sheds.
                Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
            }
        }
        done
    });
    let ends = async {
        let many = full_or(1_000, 40);
        let ways = WAYS.into_iter().cycle().take(many);
        let (mesh, ceo) = (&mesh, &ceo);
        let ended =
            stream::iter(ways).map(|way| async move { (way, one(mesh, ceo, org, way).await) });
        let ended: Vec<_> = ended.buffer_unordered(AT_ONCE).collect().await;
        over.store(true, Ordering::Relaxed);
        ended
    };
    let (done, ended) = tokio::join!(futures_util::future::join_all(work), ends);

    let mut times: BTreeMap<(&str, &str), Vec<Duration>> = BTreeMap::new();
    for (way, (place, took)) in
        ended.into_iter().flat_map(|(way, found)| found.into_iter().map(move |one| (way, one)))
    {
        times.entry((way, place)).or_default().push(took);
    }
    println!("{} calls of others meanwhile", done.iter().sum::<u64>());
    for ((way, place), times) in &mut times {
        times.sort();
        let (p99, max) = (times[(times.len() - 1) * 99 / 100], times[times.len() - 1]);
        println!("{way:<16} {place:<9} {:>4} times, p99 {p99:.0?}, max {max:.0?}", times.len());
        assert!(max < PROMISE, "{way} at {place}: {max:?}");
    }
}

#[tokio::test]
async fn whoever_changes_a_membership_ends_what_stood_on_it() {
    let mesh = Mesh::start().await;
    let ceo = mesh.founder().await;
    let org: Uuid = ceo.grant.organization_id.parse().unwrap();
    let changes = [
        "update identity.member set role = 'viewer' where member_id = $1",
        "update identity.member set state = 'deactivated' where member_id = $1",
        "update identity.member set epoch = epoch + 1 where member_id = $1",
        "update identity.member set role = 'viewer', epoch = 0 where member_id = $1",
        "update identity.session set end_time = now() where person_id =
             (select person_id from identity.member where member_id = $1)",
        "delete from identity.session where person_id =
             (select person_id from identity.member where member_id = $1)",
        "delete from identity.member where member_id = $1",
    ];
    for change in changes {
        let someone = Someone::arrange(&mesh, org).await;
        for place in PLACES {
            someone.read(&mesh, place).await.unwrap();
        }
        // No RPC of ours, nobody who remembered the epoch: the database itself.
        let query = sqlx::query(change).bind(someone.member);
        query.execute(&mut mesh.world.admin().await).await.unwrap();
        let since = Instant::now();
        for place in PLACES {
            let took = someone.let_in(&mesh, place, since).await;
            assert!(took < PROMISE, "{change} at {place}: {took:?}");
        }
    }
}
