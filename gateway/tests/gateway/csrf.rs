//! Sixty ways in which a browser may ask in the name of a page: only our own pages and listed ones pass.

use devsphere_gateway::{Edge, Limits, Rates};
use devsphere_proto::identity::v1::{Grant, RefreshRequest};
use http::Method;
use prost::Message as _;

use crate::{
    client::{Call, Client, Got, frame, headers},
    recorder::Answer,
    world::World,
};

const HOME: &str = "https://os.example.com";
const LISTED: &str = "https://app.example.com";
const FOREIGN: &str = "https://os.example.com.evil.example.net";
const REFRESH: &str = "/devsphere.identity.v1.SessionService/Refresh";
const READ: &str =
    "/devsphere.identity.v1.InstanceService/GetInstance?connect=v1&encoding=json&message=%7B%7D";

/// Whom the gateway must take the request for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// A program: it passes, and a cookie is nothing.
    Nobody,
    /// A page that may: it passes, and its cookie counts.
    Page,
    /// A page that may not.
    Stranger,
}

use Who::{Nobody, Page, Stranger};

/// What each `Sec-Fetch-Site` makes of each `Origin`: none, same-origin, same-site, cross-site.
const EXPECTED: [(Option<&str>, [Who; 4]); 5] = [
    (None, [Nobody, Page, Stranger, Stranger]),
    (Some(HOME), [Page, Page, Stranger, Stranger]),
    (Some(LISTED), [Page, Page, Page, Page]),
    (Some(FOREIGN), [Stranger, Stranger, Stranger, Stranger]),
    (Some("null"), [Stranger, Stranger, Stranger, Stranger]),
];
const SITES: [Option<&str>; 4] = [None, Some("same-origin"), Some("same-site"), Some("cross-site")];

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// What only code that may ask can send.
    Json,
    /// What any form can send.
    Form,
    Get,
}

impl Kind {
    fn call(self, client: &Client) -> Call {
        match self {
            Self::Json => client.post(REFRESH, "{}"),
            Self::Form => {
                client.http(Method::POST, REFRESH).header("content-type", "text/plain").body("{}")
            }
            Self::Get => client.get(READ),
        }
        .without("authorization")
        .header("cookie", "__Host-dvs_rt=dvs_rt_brought")
    }

    fn status(self, who: Who) -> u16 {
        match (self, who) {
            (Self::Form, _) => 415,
            (_, Stranger) => 403,
            _ => 200,
        }
    }
}

/// Whether pages of that origin could read the answer.
fn is_readable(got: &Got, origin: Option<&str>) -> bool {
    let allowed = got.headers.get("access-control-allow-origin");
    allowed.is_some_and(|allowed| origin.is_some_and(|origin| allowed == origin))
}

#[tokio::test]
async fn sixty_combinations_of_origin_site_content_type_and_method_let_no_foreign_page_pass() {
    let edge =
        Edge { public_url: HOME.into(), allowed_origins: vec![LISTED.into()], ..Edge::default() };
    let world =
        World::behind(edge, Limits { rates: Rates::unlimited(), ..Limits::default() }).await;
    let grant = Grant { refresh_token: "dvs_rt_next".into(), ..Grant::default() };
    let pieces = vec![frame(&grant.encode_to_vec())];
    let trailers = headers(&[("grpc-status", "0")]);
    world.persons.will(Answer::Say { headers: headers(&[]), pieces, trailers });
    let client = world.client().await;

    let (mut tried, mut passed) = (0, 0);
    for (origin, row) in EXPECTED {
        for (site, who) in SITES.into_iter().zip(row) {
            for kind in [Kind::Json, Kind::Form, Kind::Get] {
                let mut call = kind.call(&client);
                for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
                    call = value.into_iter().fold(call, |call, value| call.header(name, value));
                }
                let case = format!("{kind:?} from {origin:?}, {site:?}");
                let got = call.send().await.unwrap();
                tried += 1;
                assert_eq!(got.http.as_u16(), kind.status(who), "{case}");
                assert_eq!(is_readable(&got, origin), origin == Some(LISTED), "{case}");
                let seen = world.persons.seen();
                let reached = seen.len() - passed;
                passed = seen.len();
                assert_eq!(reached, usize::from(got.http == 200), "{case}");
                if matches!((kind, who), (Kind::Json, Nobody | Page)) {
                    let body = seen.last().unwrap().body.clone().unwrap();
                    let token = RefreshRequest::decode(&body[5..]).unwrap().refresh_token;
                    assert_eq!(token == "dvs_rt_brought", who == Page, "{case}");
                    assert_eq!(got.headers.contains_key("set-cookie"), who == Page, "{case}");
                }
            }
        }
    }
    assert_eq!((tried, passed), (60, 2 * 8));
}
