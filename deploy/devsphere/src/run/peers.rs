//! Where the other services are: what `--peer` says, and where nobody says anything, their names.

use std::{collections::BTreeMap, str::FromStr};

use anyhow::{Context as _, Result, anyhow};
use devsphere_boot::{Certificates, Endpoint, Remote};
use devsphere_proto::Contract;

use super::{GATEWAY, SEALS};
use crate::modules::MODULES;

/// A module's port is this and its number.
const FIRST_PORT: u16 = 7000;

/// One `--peer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    service: &'static str,
    hosts: Vec<(String, Option<u16>)>,
}

/// What a process can run.
pub(crate) fn name(text: &str) -> Result<&'static str, String> {
    let modules = MODULES.iter().map(|module| module.schema.name);
    let known: Vec<_> = modules.chain([SEALS, GATEWAY]).collect();
    let found = known.iter().find(|name| **name == text).copied();
    found.ok_or_else(|| format!("is none of {}", known.join(", ")))
}

/// Where a service listens.
pub(super) fn port(service: &str) -> Result<u16> {
    let contract = Contract::get().map_err(|error| anyhow!("the contracts are broken: {error}"))?;
    let module = contract.modules().find(|module| module.name == service);
    let module = module.with_context(|| format!("{service} is no module"))?;
    Ok(FIRST_PORT + u16::try_from(module.bit)?)
}

/// The way to every service, for whoever these certificates stand for.
pub(super) fn endpoints(
    peers: &[Peer],
    own: &Certificates,
) -> Result<BTreeMap<&'static str, Endpoint>> {
    let mut endpoints = BTreeMap::new();
    for service in MODULES.iter().map(|module| module.schema.name) {
        let port = port(service)?;
        let named = peers.iter().filter(|peer| peer.service == service);
        let mut hosts: Vec<_> = named
            .flat_map(|peer| &peer.hosts)
            .map(|(host, own)| (host.clone(), own.unwrap_or(port)))
            .collect();
        if hosts.is_empty() {
            hosts.push((service.to_owned(), port));
        }
        endpoints.insert(service, Endpoint::Tcp(Remote { service, hosts, own: own.clone() }));
    }
    Ok(endpoints)
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (service, hosts) = text.split_once('=').ok_or("is no NAME=HOST")?;
        let modules = || MODULES.iter().map(|module| module.schema.name);
        let service = modules().find(|name| *name == service).ok_or_else(|| {
            format!("{service} is none of {}", modules().collect::<Vec<_>>().join(", "))
        })?;
        Ok(Self { service, hosts: hosts.split(',').map(host).collect::<Result<_, _>>()? })
    }
}

/// A name or an address, with a port or without; an address of IPv6 stands in brackets.
fn host(text: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or("needs a port after ]")?)),
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    if host.is_empty() {
        return Err("names no host".into());
    }
    let port = port.map(|port| port.parse().map_err(|_| format!("{port} is no port")));
    Ok((host.to_owned(), port.transpose()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_a_service_and_its_hosts() {
        let peer: Peer = "crm=10.0.0.7,crm.example.com:7102,[::1]:9,[fe80::1]".parse().unwrap();

        let hosts = [("10.0.0.7", None), ("crm.example.com", Some(7102)), ("::1", Some(9))];
        let mut hosts: Vec<_> = hosts.map(|(host, port)| (host.to_owned(), port)).into();
        hosts.push(("fe80::1".into(), None));
        assert_eq!(peer, Peer { service: "crm", hosts });
        for bad in ["crm", "crm=", "nobody=a", "gateway=a", "crm=a:b", "crm=a,,b", "crm=::1"] {
            assert!(bad.parse::<Peer>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ports_follow_the_modules_numbers() {
        let services = ["identity", "crm", "administration", "seo", "agent"];
        let ports = services.map(|service| port(service).unwrap());

        assert_eq!(ports, [7001, 7002, 7003, 7004, 7005]);
    }
}
