//! Every way to write an address that is not the public's, against listeners that count who comes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what arranges a test fails it")]

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use devsphere_egress::{Bounds, Client, Failure, Looking, Lookup, Policy, Refusal, Target};
use http::HeaderMap;

/// Hosts, each tried with both schemes and every port that somebody listens on.
const HOSTS: [(Refusal, &str); 9] = [
    // Loopback in its plain spelling, and what Linux takes for it.
    (Refusal::Address, "127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254 0.0.0.0 0.1.2.3 [::1] [::]"),
    (Refusal::Address, "[0:0:0:0:0:0:0:1] [0000::0001] [::0:1] [0:0::0:1] [::0.0.0.1]"),
    // Networks of one's own, metadata, and what is no host at all.
    (
        Refusal::Address,
        "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 [fc00::1] [fd12::1]
         169.254.169.254 169.254.0.1 100.100.100.200 168.63.129.16 192.0.0.192 [fd00:ec2::254]",
    ),
    (
        Refusal::Address,
        "192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255
         [fe80::1] [fec0::1] [ff02::1] [2001:db8::1] [100::1] [3fff::1] [4000::1]",
    ),
    // IPv4 inside IPv6: mapped, compatible, translated, 6to4, NAT64, Teredo.
    (
        Refusal::Address,
        "[::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:127.0.0.1] [0:0:0:0:0:ffff:127.0.0.1]
         [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [::ffff:10.0.0.1] [::ffff:8.8.8.8]
         [::127.0.0.1] [::7f00:1] [::ffff:0:127.0.0.1] [2002:7f00:1::] [2002:a9fe:a9fe::1]
         [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::127.0.0.1]
         [2001:0:7f00:1::] [2001::80ff:fffe]",
    ),
    // Other spellings: decimal, octal, hexadecimal, short, mixed, overlong.
    (
        Refusal::Host,
        "2130706433 017700000001 0x7f000001 0x7F000001 0x7f.0x0.0x0.0x1 0177.0.0.1 0177.0.0.01
         0177.0x0.0.1 127.1 127.0.1 0x7f.1 0177.1 127.0.0.01 127.0.0.001 127.0.0.0x1 0127.0.0.1
         0 0x0 00000000177.0.0.1 2852039166 0xa9fea9fe 0xA9.0xFE.0xA9.0xFE 0251.0376.0251.0376
         169.254.43518 167772161 10.1 192.168.257 3232235777 4294967295 4294967296 6425673729
         256.0.0.1 127.0.0.1.1 383.0.0.1 0x17f.1 1.2.3 08.8.8.8",
    ),
    // Dots, escapes, brackets, zones, and what no name has.
    (
        Refusal::Host,
        "127.0.0.1. 127.0.0.1.. 127.1. 2130706433. 127.0.0. 127..0.1 localhost. LOCALHOST.
         db.internal. api.example.com. .localhost a..localhost .. . %31%32%37.0.0.1
         127%2e0%2e0%2e1 127.0.0.%31 %6cocalhost localhos%74 %00 a%00b [::1%lo] [::1%25lo]
         [fe80::1%eth0] [fe80::1%251] [::1 ::1 [::1]] [[::1]] [] [127.0.0.1] [::1]x [v1.::1]
         [::ffff:0177.0.0.1] [::ffff:127.1] [::00001] [1::2::3] a,b a;b a'b 127.0.0.1,8.8.8.8
         $host * a*b ~ ! (127.0.0.1) a+b a=b
         xn--localhost- xn--localhost-.example.com xn--.example.com",
    ),
    // Names that are no public ones, whatever they lead to.
    (
        Refusal::LocalName,
        "localhost LOCALHOST LocalHost a.localhost localhost.localdomain ip6-localhost db metadata
         printer.local metadata.google.internal kubernetes.default.svc.cluster.local gateway.test
         router.home.arpa x.onion host.docker.internal a.invalid localdomain",
    ),
    (Refusal::LocalName, "127.0.0.1.localhost 127-0-0-1.local a_b"),
];

/// Whole addresses that are refused as they stand.
const URLS: [(Refusal, &str); 7] = [
    (
        Refusal::Scheme,
        "127.0.0.1 //127.0.0.1/ / https:127.0.0.1 https:/127.0.0.1 http:127.0.0.1
         ftp://127.0.0.1 file:///etc/passwd gopher://127.0.0.1:80/_ ws://127.0.0.1 data:,x
         unix://run/x javascript:a httpx://127.0.0.1 https//127.0.0.1 https+unix://x
         url:https://127.0.0.1 ://127.0.0.1 dict://[::1]",
    ),
    (
        Refusal::Credentials,
        "https://api.example.com@127.0.0.1/ https://a:b@127.0.0.1 https://@127.0.0.1
         https://:@[::1] https://127.0.0.1@api.example.com/ https://a@b@127.0.0.1
         https://api.example.com:443@127.0.0.1 https://api.example.com%2f@127.0.0.1
         https://a%40b@127.0.0.1",
    ),
    (
        Refusal::Fragment,
        "https://api.example.com#@127.0.0.1 https://127.0.0.1# https://a.example.com/#x #",
    ),
    (
        Refusal::Port,
        "https://api.example.com: https://api.example.com:0 https://api.example.com:0443
         https://api.example.com:+443 https://api.example.com:-1
         https://api.example.com:65536 https://api.example.com:4430000443
         https://[2606:4700::1]:x https://api.example.com:80:443 https://api.example.com:443:
         https://api.example.com:22 https://1.1.1.1:8443 https://api.example.com:80
         https://api.example.com:%34%34%33",
    ),
    (
        Refusal::Host,
        "https:// https:///127.0.0.1 https:////127.0.0.1 https://:443 https://?127.0.0.1
         https:///",
    ),
    (
        Refusal::Plain,
        "http://api.example.com http://1.1.1.1 http://api.example.com:443
         HTTP://[2606:4700::1]:8080",
    ),
    (Refusal::LocalName, "https://a/127.0.0.1 HTTPS://LOCALHOST?x https://localhost:443/x?y=1"),
];

/// Whole addresses with what no address may have.
const CHARACTERS: [&str; 23] = [
    "https://api.example.com\\@127.0.0.1",
    "https:\\\\127.0.0.1",
    "https://127.0.0.1\\",
    "https://a.example.com/\\x",
    " https://127.0.0.1",
    "https://127.0.0.1 ",
    "https:// 127.0.0.1",
    "https://127.0.0.1\t",
    "https://127.\t0.0.1",
    "ht\ntps://127.0.0.1",
    "https://127.0.0.1\r\nhost: x",
    "https://\u{0}127.0.0.1",
    "https://127.0.0.1\u{7f}",
    "https://①②⑦.⓪.⓪.①",
    "https://127。0。0。1",
    "https://１２７.0.0.1",
    "https://127．0．0．1",
    "https://ⓛocalhost",
    "https://loc\u{ad}alhost",
    "https://localhost\u{200b}",
    "https://lоcalhost",
    "https://bücher.example",
    "https://127.0.0.1/ä",
];

/// What a resolver may say of a name, and no client of it may follow.
const ANSWERS: [&str; 24] = [
    "127.0.0.1",
    "::1",
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "fd00:ec2::254",
    "fe80::1",
    "fc00::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "224.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "127.0.0.1 ::1",
    // One of many is enough, wherever it stands.
    "8.8.8.8 127.0.0.1",
    "127.0.0.1 8.8.8.8",
    "8.8.8.8 2606:4700::1 ::1",
    "8.8.8.8 8.8.4.4 10.0.0.1 1.1.1.1",
    "2606:4700::1 169.254.169.254",
];

/// Listeners on both loopbacks that answer everybody and count them.
struct Listeners {
    port: u16,
    addresses: Vec<SocketAddr>,
    accepted: Arc<AtomicUsize>,
}

impl Listeners {
    /// On one free port, and on these where nobody else is and we may.
    fn start(also: &[u16], answer: &'static str) -> Self {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        let mut listeners = vec![first];
        listeners.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, port)));
        for port in also {
            listeners.extend(TcpListener::bind((Ipv4Addr::LOCALHOST, *port)));
            listeners.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, *port)));
        }
        let addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        let accepted = Arc::new(AtomicUsize::new(0));
        for listener in listeners {
            let accepted = accepted.clone();
            thread::spawn(move || {
                for stream in listener.incoming() {
                    accepted.fetch_add(1, Ordering::SeqCst);
                    serve(stream.unwrap(), answer);
                }
            });
        }
        Self { port, addresses, accepted }
    }

    /// How many came so far. A listener takes its callers in order, so whoever came before our own
    /// call is counted when that has its answer.
    fn accepted(&self) -> usize {
        for address in &self.addresses {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
            stream.read_to_end(&mut Vec::new()).unwrap();
        }
        self.accepted.fetch_sub(self.addresses.len(), Ordering::SeqCst) - self.addresses.len()
    }
}

/// Reads until the request, or whatever it is, has an empty line or ends, and answers.
fn serve(mut stream: TcpStream, answer: &str) {
    let mut request = Vec::new();
    let mut byte = [0];
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
        request.push(byte[0]);
    }
    // Who has gone already hears nothing.
    let _ = stream.write_all(answer.as_bytes());
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

/// A resolver that answers in turn, and counts how often it is asked.
#[derive(Clone)]
struct Answers(Arc<Mutex<Vec<Turns>>>, Arc<AtomicUsize>);

/// A name, and its answers in turn.
type Turns = (String, Vec<Vec<IpAddr>>);

impl Answers {
    fn new(names: impl IntoIterator<Item = Turns>) -> Self {
        Self(Arc::new(Mutex::new(names.into_iter().collect())), Arc::default())
    }

    fn asked(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }
}

impl Lookup for Answers {
    fn look_up(&self, name: &str) -> Looking {
        self.1.fetch_add(1, Ordering::SeqCst);
        let mut names = self.0.lock().unwrap();
        let known = names.iter_mut().find(|(known, _)| known == name);
        let answer = known.map(|(_, answers)| {
            answers.rotate_left(1);
            answers.last().unwrap().clone()
        });
        Box::pin(async move { answer.ok_or_else(|| ErrorKind::NotFound.into()) })
    }
}

fn ips(text: &str) -> Vec<IpAddr> {
    text.split(' ').map(|address| address.parse().unwrap()).collect()
}

fn policy(allowances: &[String]) -> Policy {
    let allow_private = allowances.iter().map(|text| text.parse().unwrap()).collect();
    Policy { allow_private, ..Policy::default() }
}

fn client(allowances: &[String]) -> Client {
    Client::with_lookup(policy(allowances), Answers::new([])).unwrap()
}

async fn get(client: &Client, url: &str) -> Result<u16, Failure> {
    let bounds = Bounds { deadline: Instant::now() + Duration::from_secs(10), answer_bytes: 1000 };
    let target = Target::parse(url)?;
    let answer = client.get(&target, HeaderMap::new(), bounds).await?;
    let status = answer.status.as_u16();
    answer.whole().await?;
    Ok(status)
}

#[track_caller]
fn is_refused(answer: Result<u16, Failure>, expected: Refusal, url: &str) {
    match answer {
        Err(Failure::Refused(refusal)) => assert_eq!(refusal, expected, "{url}"),
        other => panic!("{url} was not refused: {other:?}"),
    }
}

/// A host with both schemes and all ports of interest.
fn urls(host: &str, port: u16) -> Vec<String> {
    let ports = [String::new(), ":80".into(), ":443".into(), format!(":{port}")];
    let both =
        |port: &String| [format!("https://{host}{port}/"), format!("http://{host}{port}/v1?q=1")];
    ports.iter().flat_map(both).collect()
}

#[tokio::test]
async fn no_spelling_of_a_private_address_reaches_a_listener() {
    let listeners = Listeners::start(&[80, 443], OK);
    let port = listeners.port;
    let strict = client(&[]);
    let open = client(&[format!("127.0.0.1:{port}")]);

    let mut forms = 0;
    for (expected, hosts) in HOSTS {
        for host in hosts.split_whitespace() {
            forms += 1;
            for url in urls(host, port) {
                is_refused(get(&strict, &url).await, expected, &url);
                // What is allowed is one spelling at one port.
                if !url.contains(&format!("://127.0.0.1:{port}/")) {
                    is_refused(get(&open, &url).await, expected, &url);
                }
            }
        }
    }
    let urls = URLS.iter().flat_map(|(why, urls)| urls.split_whitespace().map(|url| (*why, url)));
    let odd = CHARACTERS.iter().map(|url| (Refusal::Character, *url));
    for (expected, url) in urls.chain(odd).chain([(Refusal::Scheme, "")]) {
        forms += 1;
        is_refused(get(&strict, url).await, expected, url);
        is_refused(get(&open, url).await, expected, url);
    }

    assert!(forms >= 200, "{forms} forms");
    assert_eq!(listeners.accepted(), 0);
}

#[tokio::test]
async fn an_address_longer_than_any_is_refused() {
    let long = format!("https://api.example.com/{}", "a".repeat(2048));
    let name = format!("https://{}example.com", "a.".repeat(130));
    let label = format!("https://{}.com", "a".repeat(64));

    assert_eq!(Target::parse(&long), Err(Refusal::Length));
    assert_eq!(Target::parse(&name), Err(Refusal::Host));
    assert_eq!(Target::parse(&label), Err(Refusal::Host));
}

#[tokio::test]
async fn no_name_that_leads_inside_reaches_a_listener() {
    let listeners = Listeners::start(&[], OK);
    let port = listeners.port;
    let name = |number: usize| format!("n{number}.example.com");
    let answers =
        ANSWERS.iter().enumerate().map(|(number, answer)| (name(number), vec![ips(answer)]));
    let answers = Answers::new(answers);
    let networks = ["127.0.0.0/8".to_owned(), "[::1]".to_owned(), "10.0.0.0/8".to_owned()];
    let strict = Client::with_lookup(Policy::default(), answers.clone()).unwrap();
    let open = Client::with_lookup(policy(&networks), answers.clone()).unwrap();

    for number in 0..ANSWERS.len() {
        let url = format!("https://{}/", name(number));
        is_refused(get(&strict, &url).await, Refusal::Leads, &url);
        // An allowed network is for who writes its addresses, not for who has a domain.
        is_refused(get(&open, &url).await, Refusal::Leads, &url);
        let url = format!("https://{}:{port}/", name(number));
        is_refused(get(&open, &url).await, Refusal::Port, &url);
        let url = format!("http://{}:{port}/", name(number));
        is_refused(get(&open, &url).await, Refusal::Plain, &url);
    }

    assert_eq!(listeners.accepted(), 0);
    // Each once, and none where the address alone says enough.
    assert_eq!(answers.asked(), 2 * ANSWERS.len());
}

#[tokio::test]
async fn what_the_operator_allows_is_reached_and_nothing_beside_it() {
    let (allowed, other) = (Listeners::start(&[], OK), Listeners::start(&[], OK));
    let (port, beside) = (allowed.port, other.port);
    let client = client(&[format!("127.0.0.1:{port}")]);

    let refused = [
        (Refusal::Address, format!("http://127.0.0.1:{beside}/")),
        (Refusal::Address, format!("http://[::1]:{port}/")),
        (Refusal::Address, format!("http://127.0.0.2:{port}/")),
        (Refusal::Host, format!("http://127.1:{port}/")),
        (Refusal::LocalName, format!("http://localhost:{port}/")),
    ];
    for (expected, url) in &refused {
        is_refused(get(&client, url).await, *expected, url);
    }
    assert_eq!(allowed.accepted(), 0);

    assert_eq!(get(&client, &format!("http://127.0.0.1:{port}/v1?q=1")).await.unwrap(), 200);

    assert_eq!((allowed.accepted(), other.accepted()), (1, 0));
}

#[tokio::test]
async fn an_allowed_name_is_looked_up_once_and_leads_nowhere_but_inside() {
    let listeners = Listeners::start(&[], OK);
    let port = listeners.port;
    let answers = Answers::new([
        ("models.lan".to_owned(), vec![ips("127.0.0.1")]),
        ("public.lan".to_owned(), vec![ips("8.8.8.8")]),
        ("metadata.lan".to_owned(), vec![ips("127.0.0.1 169.254.169.254")]),
    ]);
    let names = ["models.lan", "public.lan", "metadata.lan"];
    let names = names.map(|name| format!("{name}:{port}"));
    let client = Client::with_lookup(policy(&names), answers.clone()).unwrap();

    assert_eq!(get(&client, &format!("http://models.lan:{port}/")).await.unwrap(), 200);
    assert_eq!((answers.asked(), listeners.accepted()), (1, 1));

    for name in &names[1..] {
        let url = format!("http://{name}/");
        is_refused(get(&client, &url).await, Refusal::Leads, &url);
    }
    let url = "https://models.lan/";
    is_refused(get(&client, url).await, Refusal::Leads, url);
    assert_eq!(listeners.accepted(), 1);
}

#[tokio::test]
async fn a_name_that_turns_around_between_two_calls_is_judged_at_each() {
    let listeners = Listeners::start(&[], OK);
    let port = listeners.port;
    let turns = vec![ips("127.0.0.1"), ips("169.254.169.254")];
    let answers = Answers::new([("models.lan".to_owned(), turns)]);
    let client = Client::with_lookup(policy(&[format!("models.lan:{port}")]), answers.clone());
    let (client, url) = (client.unwrap(), format!("http://models.lan:{port}/"));

    for turn in 1..=4 {
        assert_eq!(get(&client, &url).await.unwrap(), 200);
        is_refused(get(&client, &url).await, Refusal::Leads, &url);
        assert_eq!((answers.asked(), listeners.accepted()), (2 * turn, turn));
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_followed_nowhere() {
    let inside = Listeners::start(&[], OK);
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let location = format!("http://127.0.0.1:{}/", inside.port);
        let head =
            format!("HTTP/1.1 {status}\r\nlocation: {location}\r\nrefresh: 0; url={location}\r\n");
        let answer = format!(
            "{head}alt-svc: h2=\":{}\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            inside.port
        );
        let outside = Listeners::start(&[], answer.leak());
        let both = [outside.port, inside.port].map(|port| format!("127.0.0.1:{port}"));

        let answer = get(&client(&both), &format!("http://127.0.0.1:{}/", outside.port)).await;

        assert_eq!(answer.unwrap(), status[..3].parse::<u16>().unwrap());
        assert_eq!((outside.accepted(), inside.accepted()), (1, 0));
    }
}
