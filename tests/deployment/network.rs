//! Who may speak to whom in the cluster: those whom the contracts name, and nobody else.

use std::collections::{BTreeMap, BTreeSet};

use devsphere_proto::{Access, Contract};
use ipnet::IpNet;
use serde_json::Value;

use super::kubernetes::{name, objects, of_kind, pods};
use crate::matrix::stage::MODULES;

type Pairs = BTreeSet<(String, String)>;

/// Caller and service, as the contracts have it.
fn wanted() -> Pairs {
    let contract = Contract::get().unwrap();
    let mut pairs = Pairs::new();
    for method in contract.methods() {
        match &method.access {
            Access::Internal { services, .. } => {
                let callers = services.iter().map(|caller| (*caller).to_owned());
                pairs.extend(callers.map(|caller| (caller, method.module.to_owned())));
            }
            _ => {
                pairs.insert(("gateway".to_owned(), method.module.to_owned()));
            }
        }
    }
    // It asks each module for the names of its records, in the caller's name.
    let named = contract.resources().iter().map(|resource| resource.module);
    pairs.extend(named.map(|module| ("administration".to_owned(), module.to_owned())));
    let built: Vec<_> = MODULES.iter().map(|module| module.schema.name).collect();
    pairs.retain(|(caller, _)| caller == "gateway" || built.contains(&caller.as_str()));
    pairs
}

fn selected(selector: &Value) -> &str {
    selector["matchLabels"]["app.kubernetes.io/name"].as_str().unwrap()
}

/// What a policy lets through in one direction: from or to whom, at which ports; nobody named is everybody.
fn rules<'p>(
    policy: &'p Value,
    direction: &str,
    party: &str,
) -> Vec<(Option<&'p Value>, Vec<i64>)> {
    let rules = policy["spec"][direction].as_array().map(Vec::as_slice).unwrap_or_default();
    let ports = |rule: &Value| -> Vec<i64> {
        rule["ports"]
            .as_array()
            .unwrap()
            .iter()
            .map(|port| port["port"].as_i64().unwrap())
            .collect()
    };
    let parties = |rule: &'p Value| match rule[party].as_array() {
        Some(parties) => parties.iter().map(Some).collect(),
        None => vec![None],
    };
    rules
        .iter()
        .flat_map(|rule| parties(rule).into_iter().map(move |one| (one, ports(rule))))
        .collect()
}

#[test]
fn nobody_speaks_to_anybody_but_as_the_contracts_say() {
    let objects = objects();
    let policies = of_kind(&objects, "NetworkPolicy");
    let ports: BTreeMap<_, _> = Contract::get()
        .unwrap()
        .modules()
        .map(|module| (module.name, 7000 + i64::from(module.bit)))
        .collect();

    let (mut heard, mut said, mut open) = (Pairs::new(), Pairs::new(), Vec::new());
    for policy in &policies {
        for (from, at) in rules(policy, "ingress", "from") {
            let service = selected(&policy["spec"]["podSelector"]);
            let Some(from) = from else {
                open.push((service, at));
                continue;
            };
            assert_eq!(at, [ports[service]], "{service}");
            heard.insert((selected(&from["podSelector"]).to_owned(), service.to_owned()));
        }
        for (to, at) in rules(policy, "egress", "to") {
            let to = to.unwrap_or_else(|| panic!("{} speaks to everybody", name(policy)));
            if to.get("namespaceSelector").is_none() && to.get("ipBlock").is_none() {
                let service = selected(&to["podSelector"]);
                assert_eq!(at, [ports[service]], "{service}");
                let caller = selected(&policy["spec"]["podSelector"]);
                said.insert((caller.to_owned(), service.to_owned()));
            }
        }
    }

    assert_eq!(heard, wanted());
    assert_eq!(said, wanted());
    assert_eq!(open, [("gateway", vec![8080])], "the one door");
}

#[test]
fn by_default_nothing_passes_and_only_what_works_on_rows_reaches_the_database() {
    let objects = objects();
    let policies = of_kind(&objects, "NetworkPolicy");
    let by_name = |wanted: &str| *policies.iter().find(|policy| name(policy) == wanted).unwrap();

    let deny = &by_name("default-deny")["spec"];
    assert_eq!(deny["podSelector"], serde_json::json!({}));
    assert_eq!(deny["policyTypes"], serde_json::json!(["Ingress", "Egress"]));
    assert!(deny.get("ingress").is_none() && deny.get("egress").is_none());

    let elsewhere: Vec<_> = policies
        .iter()
        .flat_map(|policy| {
            rules(policy, "egress", "to").into_iter().map(move |rule| (name(policy), rule))
        })
        .filter(|(_, (to, _))| to.is_some_and(|to| to.get("namespaceSelector").is_some()))
        .map(|(policy, (_, ports))| (policy, ports))
        .collect();
    let expected = [
        ("names-and-telemetry", vec![53, 53]),
        ("names-and-telemetry", vec![4317]),
        ("database", vec![5432]),
    ];
    assert_eq!(elsewhere, expected);

    let reaching = &by_name("database")["spec"]["podSelector"]["matchExpressions"][0];
    assert_eq!(reaching["operator"], "In");
    let reaching: BTreeSet<_> =
        reaching["values"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let pods: BTreeSet<_> = pods(&objects).into_iter().map(|(name, _)| name).collect();
    let expected: BTreeSet<_> = pods.into_iter().filter(|name| *name != "gateway").collect();
    assert_eq!(reaching, expected);
}

/// Whether a rule's block of addresses lets one through.
fn passes(block: &Value, address: &str) -> bool {
    let network = |text: &Value| text.as_str().unwrap().parse::<IpNet>().unwrap();
    let address = address.parse::<std::net::IpAddr>().unwrap();
    let except = block["except"].as_array().map(Vec::as_slice).unwrap_or_default();
    network(&block["cidr"]).contains(&address)
        && !except.iter().any(|except| network(except).contains(&address))
}

#[test]
fn only_agent_leaves_to_the_world_over_https_and_to_no_network_of_ones_own() {
    let objects = objects();
    let policies = of_kind(&objects, "NetworkPolicy");
    let mut blocks = Vec::new();
    for policy in &policies {
        for (to, ports) in rules(policy, "egress", "to") {
            let Some(block) = to.and_then(|to| to.get("ipBlock")) else { continue };
            assert_eq!(selected(&policy["spec"]["podSelector"]), "agent", "{}", name(policy));
            assert_eq!(ports, [443], "{}", name(policy));
            blocks.push(block);
        }
        let hears = rules(policy, "ingress", "from").into_iter();
        assert!(hears.flat_map(|(from, _)| from).all(|from| from.get("ipBlock").is_none()));
    }

    let open = |address: &&str| blocks.iter().any(|block| passes(block, address));
    assert!(["1.1.1.1", "104.18.0.1", "2606:4700::1111"].iter().all(open));
    let closed = [
        "0.0.0.0",
        "10.96.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
    ];
    let leaks: Vec<_> = closed.into_iter().filter(|address| open(address)).collect();
    assert!(leaks.is_empty(), "{leaks:?}");
}
