//! Who is refused at a listener, and whom a client refuses to meet.

use std::time::{Duration, Instant, SystemTime};

use devsphere_boot::{Certificates, channel};
use rcgen::SanType;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::{
    set::{GATEWAY, NUMBERS, SERVICES, Set},
    stranger::{Paper, Press, connect, serves, serves_in_clear, service},
};
use crate::attacks::raw::{GOAWAY, PREFACE, SETTINGS, frame};

const HOUR: Duration = Duration::from_secs(3600);

/// What a stranger may show, by what is wrong with it.
fn strange(set: &Set) -> Vec<(&'static str, Option<Paper>)> {
    let (ours, foreign, now) = (Press::ours(set), Press::foreign(), SystemTime::now());
    let begun = now - HOUR / 2;
    let gateway = || vec![service(GATEWAY)];
    let other = |uri: &str| vec![SanType::URI(uri.try_into().unwrap())];
    let dns = vec![SanType::DnsName(GATEWAY.try_into().unwrap())];
    vec![
        ("no certificate", None),
        ("a foreign authority", Some(foreign.print(gateway(), begun))),
        ("ended a second ago", Some(ours.print(gateway(), now - HOUR - Duration::from_secs(1)))),
        ("begins in an hour", Some(ours.print(gateway(), now + HOUR))),
        ("names nobody", Some(ours.print(vec![], begun))),
        ("a name of DNS", Some(ours.print(dns, begun))),
        ("two names", Some(ours.print([gateway(), vec![service("crm")]].concat(), begun))),
        ("another domain", Some(ours.print(other("spiffe://elsewhere/svc/gateway"), begun))),
        ("another scheme", Some(ours.print(other("https://devsphere/svc/gateway"), begun))),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stranger_gets_past_the_handshake_of_any_listener() {
    let set = Set::arrange("1h").await;
    let _running = set.start_all().await;
    let strange = strange(&set);
    let good = Press::ours(&set).print(vec![service(GATEWAY)], SystemTime::now());

    for name in SERVICES {
        for number in NUMBERS {
            let at = set.listener(name, number);
            assert!(serves(at, Some(&good)).await.unwrap(), "{name}{number}");
            for (what, paper) in &strange {
                let refused = serves(at, paper.as_ref()).await;
                assert!(refused.is_err(), "{name}{number} lets in: {what}");
            }
            assert!(serves_in_clear(at).await.is_err(), "{name}{number} speaks in clear text");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_met_under_another_services_name() {
    let set = Set::arrange("1h").await;
    let _running = set.start_all().await;
    let gateway = set.certificates(GATEWAY);
    let ask = async |service, at, own: &Certificates| {
        let mut health = HealthClient::new(channel(&set.endpoint(service, at, own)));
        health.check(HealthCheckRequest::default()).await.is_ok()
    };

    for looked_for in SERVICES {
        for found in SERVICES {
            let met = ask(looked_for, set.listener(found, 1), &gateway).await;
            assert_eq!(met, looked_for == found, "{looked_for} at {found}'s address");
        }
    }
    // And whoever believes another authority meets nobody.
    let elsewhere = set.folder().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    Press::ours(&set).print(vec![service(GATEWAY)], SystemTime::now()).write(&elsewhere, GATEWAY);
    let foreign = rcgen::generate_simple_self_signed(vec!["authority".to_owned()]).unwrap();
    let foreign = Paper::of(foreign);
    foreign.write(&elsewhere, "authority");
    let astray = Certificates::open(&elsewhere, GATEWAY).unwrap();
    assert!(!ask("crm", set.listener("crm", 1), &astray).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_ends_with_the_certificate_it_was_made_with() {
    let set = Set::arrange("1h").await;
    let _identity = set.start("identity", 1).await;
    let (now, life) = (SystemTime::now(), Duration::from_secs(4));
    let paper = Press::ours(&set).print_until(vec![service("crm")], now - HOUR, now + life);

    let begun = Instant::now();
    let mut stream = connect(set.listener("identity", 1), Some(&paper)).await.unwrap();
    stream.write_all(PREFACE).await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; usize::try_from(length).unwrap()]).await.unwrap();
        if head[3] == GOAWAY {
            break;
        }
    }

    let lasted = begun.elapsed();
    assert!((life / 2..life * 2).contains(&lasted), "{lasted:?}");
}
