//! The attacks on HTTP/2 that are known, against the binary: it refuses, forgets, and goes on working.

pub mod raw;
pub mod victim;

use std::{
    io::Write as _,
    iter::{once, repeat_n},
    sync::Arc,
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use futures_util::future::join_all;
use tokio::io::AsyncWriteExt as _;

use crate::counts::full_or_hundredth;
use raw::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, ask, call, crowd, flood, frame, greet, header_block, kept, message,
};
use victim::Victim;

/// The attacker has an address of its own.
const FROM: [u8; 4] = [127, 0, 0, 66];

const LIST: &str = "/devsphere.crm.v1.LeadService/ListLeads";

/// Error codes of RFC 9113.
const ENHANCE_YOUR_CALM: u32 = 11;

/// Nothing that a process does on the side is counted as the attacker's.
const SLACK: f64 = 16.0;

fn stream(number: usize) -> u32 {
    u32::try_from(2 * number + 1).unwrap()
}

/// Made beforehand, in a hundred pieces: what the attacker computes is not what the mesh bears.
fn ten_thousand(of: impl Fn(usize) -> Vec<u8>) -> Arc<[Vec<u8>]> {
    (0..100).map(|piece| (0..100).flat_map(|n| of(100 * piece + n)).collect()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_opened_and_reset_at_once_end_their_connection() {
    let victim = Victim::start(&[]).await;
    let block = header_block(&call(LIST, ""));
    let pair = |number| {
        let open = frame(HEADERS, END_HEADERS | END_STREAM, stream(number), &block);
        [open, frame(RST_STREAM, 0, stream(number), &8_u32.to_be_bytes())].concat()
    };
    let pieces = ten_thousand(pair);
    let (address, connections) = (victim.address, full_or_hundredth(1000));
    let attack = || {
        let pieces = pieces.clone();
        async move {
            for _ in 0..connections {
                let ended = flood(address, FROM, pieces.iter().cloned()).await.unwrap();
                assert_eq!(ended.goaway, Some(ENHANCE_YOUR_CALM), "{ended:?}");
            }
        }
    };
    victim.bears("rapid reset", SLACK, attack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_list_without_end_ends_its_connection() {
    let victim = Victim::start(&[]).await;
    let block = header_block(&call(LIST, ""));
    let more = header_block(&repeat_n(("x-more", "a"), 1000).collect::<Vec<_>>());
    let pieces = once(frame(HEADERS, 0, 1, &block))
        .chain(repeat_n(frame(CONTINUATION, 0, 1, &more), 100_000));
    let attack = || flood(victim.address, FROM, pieces.clone());
    let ended = victim.bears("CONTINUATION flood", SLACK, attack).await.unwrap();
    assert!(ended.sent < 100_000 && ended.answers == 0, "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_headers_reach_no_service() {
    let victim = Victim::start(&[]).await;
    let value = "a".repeat(100);
    let names: Vec<_> = (0..300).map(|number| format!("x-header-{number}")).collect();
    let mut headers = call(LIST, &victim.bearer);
    headers.extend(names.iter().map(|name| (name.as_str(), value.as_str())));
    let block = header_block(&headers);
    let (first, rest) = block.split_at(16_000);
    let pieces = [
        frame(HEADERS, END_STREAM, 1, first),
        frame(CONTINUATION, 0, 1, &rest[..16_000]),
        frame(CONTINUATION, END_HEADERS, 1, &rest[16_000..]),
    ];
    let attack = || flood(victim.address, FROM, pieces.clone().into_iter());
    let ended = victim.bears("300 headers", SLACK, attack).await.unwrap();
    // At most a 431 from the connection itself.
    assert!(ended.answers <= 1, "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_streams_on_one_connection_are_refused_past_a_hundred() {
    let victim = Victim::start(&[]).await;
    let block = header_block(&call(LIST, &victim.bearer));
    let pieces = ten_thousand(|number| frame(HEADERS, END_HEADERS, stream(number), &block));
    let attack = || {
        let pieces = pieces.clone();
        async move { flood(victim.address, FROM, pieces.iter().cloned()).await }
    };
    let ended = victim.bears("10,000 streams", 8.0, attack).await.unwrap();
    assert!(ended.resets > 0 || ended.goaway.is_some(), "{ended:?}");
    assert!(ended.answers <= 100, "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_say_nothing_cost_nothing() {
    let victim = Victim::start(&[]).await;
    let open = frame(HEADERS, END_HEADERS, 1, &header_block(&call(LIST, &victim.bearer)));
    let empty = once(open).chain(repeat_n(frame(DATA, 0, 1, &[]).repeat(100), 1000));
    let attack = || flood(victim.address, FROM, empty.clone());
    let ended = victim.bears("100,000 empty DATA", SLACK, attack).await.unwrap();
    assert_eq!(ended.goaway, Some(ENHANCE_YOUR_CALM), "{ended:?}");

    let pings = repeat_n(frame(PING, 0, 0, &[0; 8]).repeat(100), 1000);
    let attack = || flood(victim.address, FROM, pings.clone());
    victim.bears("100,000 PING", SLACK, attack).await.unwrap();

    let window = [&[0, 4], 65_535_u32.to_be_bytes().as_slice()].concat();
    let settings = repeat_n(frame(SETTINGS, 0, 0, &window).repeat(100), 1000);
    let attack = || flood(victim.address, FROM, settings.clone());
    victim.bears("100,000 SETTINGS", SLACK, attack).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_connections_and_says_half_or_nothing_is_cut_off() {
    let victim = Victim::start(&[
        "--max-connections",
        "2048",
        "--max-connections-per-loopback-address",
        "2048",
    ])
    .await;
    let count = full_or_hundredth(50_000).min(500);
    let address = victim.address;
    let attack = || async move {
        let patience = Duration::from_secs(40);
        let introduced = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
        let silent = crowd(address, FROM, count, b"").await;
        let half = crowd(address, FROM, count, &PREFACE[..20]).await;
        let idle = crowd(address, FROM, count, &introduced).await;
        let all = [silent, half, idle]
            .map(|crowd| join_all(crowd.into_iter().map(move |stream| kept(stream, patience))));
        let [silent, half, idle] = all;
        tokio::join!(silent, half, idle)
    };
    let (silent, half, idle) = victim.bears("3 × 500 connections", 64.0, attack).await;
    let longest = |kept: &[Duration]| kept.iter().max().copied().unwrap();
    assert!(longest(&silent) < Duration::from_secs(7), "{:?}", longest(&silent));
    assert!(longest(&half) < Duration::from_secs(7), "{:?}", longest(&half));
    assert!(longest(&idle) < Duration::from_secs(32), "{:?}", longest(&idle));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_never_end_keep_nobody_else_out() {
    let victim = Victim::start(&[]).await;
    let block = header_block(&call(LIST, &victim.bearer));
    let half = message(&[0; 1000])[..500].to_vec();
    let begin = move |number| {
        let open = frame(HEADERS, END_HEADERS, stream(number), &block);
        [open, frame(DATA, 0, stream(number), &half)].concat()
    };
    // More calls than there are slots, each of them with half a message.
    let (address, calls) = (victim.address, (0..100).flat_map(begin).collect::<Vec<_>>());
    let attack = || {
        join_all(repeat_n(calls.clone(), 20).map(move |calls| async move {
            let mut connection = greet(address, FROM).await.unwrap();
            connection.write_all(&calls).await.unwrap();
            kept(connection, Duration::from_secs(45)).await
        }))
    };
    let kept = victim.bears("2,000 half bodies", 64.0, attack).await;
    assert!(kept.iter().all(|kept| *kept < Duration::from_secs(40)), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_nothing_keeps_nobody_else_from_reading() {
    let victim = Victim::start(&[]).await;
    // Asks for everything there is to know of the contracts, again and again, and takes not one byte.
    let large = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/api/descriptor.binpb"),
        (":authority", "gateway"),
    ];
    let block = header_block(&large);
    let no_window = frame(SETTINGS, 0, 0, &[&[0, 4], 0_u32.to_be_bytes().as_slice()].concat());
    let calls = (0..100).flat_map(|n| frame(HEADERS, END_HEADERS | END_STREAM, stream(n), &block));
    let (address, said) = (victim.address, no_window.into_iter().chain(calls).collect::<Vec<_>>());
    let attack = || {
        join_all(repeat_n(said.clone(), 10).map(move |said| async move {
            let mut connection = greet(address, FROM).await.unwrap();
            connection.write_all(&said).await.unwrap();
            kept(connection, Duration::from_secs(45)).await
        }))
    };
    let kept = victim.bears("1,000 slow readers", 128.0, attack).await;
    assert!(kept.iter().all(|kept| *kept < Duration::from_secs(40)), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_past_their_end_end_their_connection() {
    let victim = Victim::start(&[]).await;
    let update = frame(WINDOW_UPDATE, 0, 0, &0x7fff_ffff_u32.to_be_bytes());
    let attack = || flood(victim.address, FROM, repeat_n(update.clone(), 1000));
    let ended = victim.bears("window overflow", SLACK, attack).await.unwrap();
    assert!(ended.goaway.is_some(), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_packed_or_nested_without_end_is_refused_unread() {
    let victim = Victim::start(&[]).await;
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&vec![b' '; 10 << 20]).unwrap();
    let mut bomb = packer.finish().unwrap();
    // Says that it is just small enough: the worst that one can be made to unpack.
    let size = bomb.len() - 4;
    bomb[size..].copy_from_slice(&(4_u32 << 20).to_le_bytes());
    let deep = format!("{{\"filter\":{}", "[".repeat(10_000)).into_bytes();
    let many = format!("{{\"order_by\":[{}", "1,".repeat(5_000)).into_bytes();
    for (name, encoding, body) in
        [("bombs", "gzip", bomb), ("deep JSON", "identity", deep), ("long JSON", "identity", many)]
    {
        let mut headers = call(LIST, &victim.bearer);
        headers.retain(|(name, _)| !["content-type", "te"].contains(name));
        headers.extend([("content-type", "application/json"), ("content-encoding", encoding)]);
        let block = header_block(&headers);
        // All of it before the first window is used up: nobody waits for another.
        assert!(5 * body.len() < 65_536, "{}", body.len());
        let said: Arc<[u8]> = (0..5)
            .flat_map(|number| {
                let mut said = frame(HEADERS, END_HEADERS, stream(number), &block);
                let (most, last) = body.split_at(body.len() / 2);
                said.extend(frame(DATA, 0, stream(number), most));
                said.extend(frame(DATA, END_STREAM, stream(number), last));
                said
            })
            .collect();
        let address = victim.address;
        let attack = || {
            let said = said.clone();
            async move { ask(address, FROM, &said, 5).await }
        };
        let ended = victim.bears(name, 32.0, attack).await.unwrap();
        assert_eq!(ended.answers, 5, "{ended:?}");
    }
}
