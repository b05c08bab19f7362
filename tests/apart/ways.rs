//! What tests of the wire stand on when the services are processes of their own.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use devsphere_boot::{Certificates, Channel, Endpoint, channel};
use devsphere_proto::{Access, Contract};
use devsphere_testkit::World;

use super::{
    set::{GATEWAY, NUMBERS, Process, SERVICES, Set},
    stranger::{Press, service},
};
use crate::matrix::stage::WRONG_PEER;

/// Two of each, and the ways to them in everybody's name.
pub struct Apart {
    // Before the folder that they run in.
    _running: Vec<Process>,
    set: Set,
    names: BTreeMap<&'static str, Certificates>,
    ways: Mutex<BTreeMap<(&'static str, &'static str), Channel>>,
    turn: AtomicUsize,
}

impl Apart {
    pub async fn start() -> Self {
        Self::start_of(Set::arrange("1h").await.patient()).await
    }

    /// The same with a model to ask.
    pub async fn start_offering(url: &str) -> Self {
        Self::start_of(Set::arrange("1h").await.patient().offering(url)).await
    }

    async fn start_of(set: Set) -> Self {
        let running = set.start_all().await;
        // Internal methods may name services that do not run yet.
        let strangers: Vec<_> = named().filter(|name| !has_own(name)).chain([WRONG_PEER]).collect();
        for name in &strangers {
            let paper = Press::ours(&set).print(vec![service(name)], SystemTime::now());
            paper.write(&set.folder().join("certificates"), name);
        }
        let names = SERVICES.into_iter().chain([GATEWAY]).chain(strangers);
        let names = names.map(|name| (name, set.certificates(name))).collect();
        let (ways, turn) = (Mutex::default(), AtomicUsize::new(0));
        Self { _running: running, set, names, ways, turn }
    }

    /// The services, as the gateway meets them.
    pub fn world(&self) -> World {
        let own = &self.names[GATEWAY];
        let endpoints = SERVICES.map(|service| (service, self.set.instances(service, own)));
        World::around(self.set.backend.clone(), endpoints.into())
    }

    /// A gateway, in turn.
    pub fn gateway(&self) -> SocketAddr {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.set.gateway(NUMBERS[turn % NUMBERS.len()])
    }

    /// The way to a service with the certificate of whoever is claimed to ask; everybody is
    /// somebody over mutual TLS, if only somebody whom no method names.
    pub fn way(&self, claimed: Option<&str>, service: &'static str) -> Channel {
        let known = claimed.and_then(|name| self.names.get_key_value(name));
        let (name, own) = known.unwrap_or_else(|| self.names.get_key_value(WRONG_PEER).unwrap());
        let mut ways = self.ways.lock().unwrap();
        let open = || channel(&self.set.instances(service, own));
        ways.entry((name, service)).or_insert_with(open).clone()
    }
}

/// The services that internal methods name.
fn named() -> impl Iterator<Item = &'static str> {
    Contract::get()
        .unwrap()
        .methods()
        .flat_map(|method| match &method.access {
            Access::Internal { services, .. } => services.as_slice(),
            _ => &[],
        })
        .copied()
}

/// Whether the set makes its certificate.
fn has_own(name: &str) -> bool {
    name == GATEWAY || SERVICES.contains(&name)
}

impl Set {
    /// Both instances of a service, for whoever is called so.
    fn instances(&self, service: &'static str, own: &Certificates) -> Endpoint {
        let of = |number| self.endpoint(service, self.listener(service, number), own);
        let mut found = NUMBERS.map(of).into_iter().filter_map(|endpoint| match endpoint {
            Endpoint::Tcp(remote) => Some(remote),
            Endpoint::Unix(_) => None,
        });
        let mut first = found.next().unwrap();
        first.hosts.extend(found.flat_map(|other| other.hosts));
        Endpoint::Tcp(first)
    }
}
