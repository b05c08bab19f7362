//! The refresh token of browsers: in a cookie that pages never see, on every surface that they speak.

use devsphere_gateway::{Edge, Limits};
use devsphere_proto::identity::v1::{Grant, RefreshRequest};
use http::HeaderMap;
use prost::Message as _;

use crate::{
    client::{Call, Got, frame, headers},
    recorder::Answer,
    world::World,
};

const HOME: &str = "https://os.example.com";
const LISTED: &str = "https://app.example.com";
const SIGN_IN: &str = "/devsphere.identity.v1.SessionService/SignIn";
const REFRESH: &str = "/devsphere.identity.v1.SessionService/Refresh";
const SIGN_OUT: &str = "/devsphere.identity.v1.SessionService/SignOut";
const TOKEN: &str = "dvs_rt_secret";

fn ok() -> HeaderMap {
    headers(&[("grpc-status", "0")])
}

fn message(message: &impl prost::Message) -> Answer {
    let pieces = vec![frame(&message.encode_to_vec())];
    Answer::Say { headers: headers(&[]), pieces, trailers: ok() }
}

async fn world() -> World {
    let edge =
        Edge { public_url: HOME.into(), allowed_origins: vec![LISTED.into()], ..Edge::default() };
    let world = World::behind(edge, Limits::default()).await;
    let grant = Grant { access_token: "a".into(), refresh_token: TOKEN.into(), ..Grant::default() };
    world.persons.will(message(&grant));
    world
}

/// The same call in Connect's JSON, in gRPC-Web and in REST.
async fn surfaces(world: &World, path: &str) -> [Call; 3] {
    let client = world.client().await;
    let web = client.call(path).without("content-type");
    let rest = match path {
        SIGN_IN => "/api/v1/sessions:signIn",
        REFRESH => "/api/v1/sessions:refresh",
        _ => "/api/v1/sessions:signOut",
    };
    [
        client.post(path, "{}"),
        web.header("content-type", "application/grpc-web+proto"),
        client.post(rest, "{}"),
    ]
}

fn cookie(got: &Got) -> Option<&str> {
    got.headers.get("set-cookie").map(|cookie| cookie.to_str().unwrap())
}

fn says(got: &Got, text: &str) -> bool {
    got.body.windows(text.len()).any(|piece| piece == text.as_bytes())
}

#[tokio::test]
async fn a_page_of_ours_never_sees_the_token_and_its_browser_keeps_it() {
    let world = world().await;
    for path in [SIGN_IN, REFRESH] {
        for call in surfaces(&world, path).await {
            let got = call.header("origin", HOME).send().await.unwrap();
            assert_eq!(got.http, 200, "{got:?}");
            let kept = cookie(&got).unwrap();
            assert!(kept.starts_with(&format!("__Host-dvs_rt={TOKEN}; Path=/;")), "{kept}");
            assert!(kept.ends_with("HttpOnly; SameSite=Strict; Secure"), "{kept}");
            assert!(!says(&got, TOKEN) && says(&got, "a"), "{got:?}");
        }
    }
}

#[tokio::test]
async fn programs_and_pages_that_ask_for_it_get_the_token_in_the_body() {
    let world = world().await;
    for call in surfaces(&world, SIGN_IN).await {
        let listed = call.clone().header("origin", LISTED);
        for call in [call.clone(), listed.clone().header("devsphere-tokens", "body")] {
            let got = call.send().await.unwrap();
            assert!(says(&got, TOKEN) && cookie(&got).is_none(), "{got:?}");
        }
        let got = listed.send().await.unwrap();
        assert!(!says(&got, TOKEN) && cookie(&got).is_some(), "{got:?}");
        // A page of ours cannot talk itself out of the cookie.
        let home = call.header("origin", HOME).header("devsphere-tokens", "body");
        assert!(!says(&home.send().await.unwrap(), TOKEN));
    }
}

/// The token that identity was asked to refresh.
fn asked(world: &World) -> String {
    let seen = world.persons.seen().pop().unwrap();
    RefreshRequest::decode(&seen.body.unwrap()[5..]).unwrap().refresh_token
}

#[tokio::test]
async fn the_browser_brings_the_token_back_for_our_pages_alone() {
    let world = world().await;
    for call in surfaces(&world, REFRESH).await {
        let call = call.header("cookie", format!("a=b; __Host-dvs_rt={TOKEN}"));
        call.clone().header("origin", HOME).send().await.unwrap();
        assert_eq!(asked(&world), TOKEN);
        call.clone().header("origin", LISTED).send().await.unwrap();
        assert_eq!(asked(&world), TOKEN);
        // Without a page that may, a cookie is nothing.
        call.send().await.unwrap();
        assert_eq!(asked(&world), "");
    }
    let seen = world.persons.seen();
    assert!(seen.iter().all(|seen| !seen.headers.contains_key("cookie")));
}

#[tokio::test]
async fn signing_out_lets_the_browser_forget_it() {
    let world = world().await;
    world.persons.will(Answer::Say {
        headers: headers(&[]),
        pieces: vec![frame(b"")],
        trailers: ok(),
    });
    for call in surfaces(&world, SIGN_OUT).await {
        let got = call.header("origin", HOME).send().await.unwrap();
        assert!(cookie(&got).unwrap().starts_with("__Host-dvs_rt=; Path=/; Max-Age=0;"), "{got:?}");
    }
}
