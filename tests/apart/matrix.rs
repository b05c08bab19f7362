//! Who may call what, by certificate: internal methods name the services that may.

use std::time::SystemTime;

use devsphere_boot::{Certificates, channel};
use devsphere_proto::{
    Access, Contract,
    identity::v1::{ExchangeRequest, assertion_service_client::AssertionServiceClient},
};
use tonic::Code;

use super::{
    front::Front,
    set::{GATEWAY, SERVICES, Set},
    stranger::{Press, service},
};
use crate::matrix::wire::{Door, call};

/// A service that is ours, and that no method names.
const NOBODY: &str = "nobody";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_internal_method_admits_those_whom_it_names_by_their_certificates_alone() {
    let set = Set::arrange("1h").await;
    let _running = set.start_all().await;
    let grant = Front::of(&set).sign_up("ada@example.com").await;
    let gateway = set.certificates(GATEWAY);
    let identity = set.endpoint("identity", set.listener("identity", 1), &gateway);
    let exchange = ExchangeRequest { credential: grant.access_token };
    let assertion = AssertionServiceClient::new(channel(&identity)).exchange(exchange).await;
    let assertion = assertion.unwrap().into_inner().assertion;
    let folder = set.folder().join("certificates");
    Press::ours(&set).print(vec![service(NOBODY)], SystemTime::now()).write(&folder, NOBODY);

    let mut cells = 0;
    for method in Contract::get().unwrap().methods() {
        let Access::Internal { services, without_caller } = &method.access else { continue };
        for caller in SERVICES.into_iter().chain([GATEWAY, NOBODY]) {
            let own: Certificates = set.certificates(caller);
            let at = set.listener(method.module, 2);
            let way = channel(&set.endpoint(method.module, at, &own));
            // Whatever it claims to be, the certificate says who it is.
            for claimed in [None, Some(services[0]), Some(NOBODY)] {
                let mut door = Door::default();
                if !without_caller {
                    door = door.assertion(&assertion);
                }
                if let Some(claimed) = claimed {
                    door = door.peer(claimed);
                }
                let answer = call(&way, method, &door, Vec::new()).await;
                let what = format!("{} by {caller} as {claimed:?}: {answer:?}", method.path);
                match answer {
                    Ok(_) => assert!(services.contains(&caller), "{what}"),
                    Err(refusal) => {
                        let internal = refusal.of_metadata("permission") == "internal";
                        assert_eq!(internal, !services.contains(&caller), "{what}");
                        assert_eq!(internal, refusal.code == Code::PermissionDenied, "{what}");
                        assert_ne!(refusal.code, Code::Unauthenticated, "{what}");
                    }
                }
                cells += 1;
            }
        }
    }
    println!("{cells} calls of internal methods over mutual TLS");
    assert!(cells > 0);
}
