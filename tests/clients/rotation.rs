//! Keys turned under load: the files, the database and identity's own eyes, and no call that fails.

use std::{
    collections::BTreeSet,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

use devsphere_proto::{
    crm::v1::{CreateLeadRequest, Lead, ListLeadsRequest, lead_service_client::LeadServiceClient},
    identity::v1::{
        GetMeRequest, Grant, RefreshRequest, SignInRequest,
        person_service_client::PersonServiceClient, session_service_client::SessionServiceClient,
    },
};
use devsphere_testkit::StatusExt as _;
use tokio::task::spawn_blocking;
use tonic::{Status, service::interceptor::InterceptedService, transport::Channel};

use super::up::{Folder, Up, binary, run};
use crate::{
    counts::full_or,
    whole::{Bearer, PASSWORD, Signed, founding},
};

const EMAIL: &str = "ada@example.com";

/// As many calls as this machine can make.
pub const UNLIMITED: [&str; 6] = [
    "--rate-per-organization",
    "0",
    "--rate-per-principal",
    "0",
    "--rate-per-loopback-address",
    "0",
];

/// How the calls of one kind went.
#[derive(Default)]
struct Calls {
    answered: usize,
    shed: usize,
    refused: Vec<Status>,
}

/// The mesh, from outside.
struct Client {
    channel: Channel,
    over: AtomicBool,
}

impl Client {
    fn sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.channel.clone())
    }

    fn signed(&self, grant: &Grant) -> Signed {
        InterceptedService::new(self.channel.clone(), Bearer::of(&grant.access_token))
    }

    async fn sign_up(&self) -> Grant {
        let request = founding(EMAIL);
        self.sessions().sign_up(request).await.unwrap().into_inner()
    }

    async fn sign_in(&self) -> Result<Grant, Status> {
        let request = SignInRequest {
            email: EMAIL.into(),
            password: PASSWORD.into(),
            ..SignInRequest::default()
        };
        Ok(self.sessions().sign_in(request).await?.into_inner())
    }

    /// Calls again and again until it is over; how often, and what was refused. A machine that is
    /// busy with other things sheds, which is no refusal but a request to come again.
    async fn again(&self, call: impl AsyncFn() -> Result<(), Status>) -> Calls {
        let mut calls = Calls::default();
        while !self.over.load(Ordering::Relaxed) {
            match call().await {
                Ok(()) => calls.answered += 1,
                Err(status) if status.reason() == "OVERLOADED" => calls.shed += 1,
                Err(status) => calls.refused.push(status),
            }
        }
        calls
    }

    /// With one access token all the time.
    async fn read(&self, grant: &Grant) -> Calls {
        self.again(async || {
            let list = ListLeadsRequest::default();
            LeadServiceClient::new(self.signed(grant)).list_leads(list).await?;
            PersonServiceClient::new(self.signed(grant)).get_me(GetMeRequest {}).await?;
            Ok(())
        })
        .await
    }

    async fn write(&self, grant: &Grant) -> Calls {
        self.again(async || {
            let lead = Lead { display_name: "Maria".into(), ..Lead::default() };
            let request = CreateLeadRequest { lead: Some(lead), ..CreateLeadRequest::default() };
            LeadServiceClient::new(self.signed(grant)).create_lead(request).await?;
            Ok(())
        })
        .await
    }

    /// One session from token to token, each of which is used at once. Every refresh is made twice,
    /// as two tabs would, and both get the same successor.
    async fn refresh(&self, first: Grant) -> Calls {
        let token = tokio::sync::Mutex::new(first.refresh_token);
        self.again(async || {
            let mut token = token.lock().await;
            let ask = || RefreshRequest { refresh_token: token.clone(), ..Default::default() };
            let grant = self.sessions().refresh(ask()).await.map_err(tell("one tab"))?.into_inner();
            let again = self.sessions().refresh(ask()).await.map_err(tell("the other"))?;
            assert_eq!(grant.refresh_token, again.into_inner().refresh_token);
            let mut person = PersonServiceClient::new(self.signed(&grant));
            person.get_me(GetMeRequest {}).await.map_err(tell("the fresh token"))?;
            *token = grant.refresh_token;
            Ok(())
        })
        .await
    }

    async fn come(&self) -> Calls {
        self.again(async || {
            let grant = self.sign_in().await?;
            PersonServiceClient::new(self.signed(&grant)).get_me(GetMeRequest {}).await?;
            Ok(())
        })
        .await
    }
}

/// Which of several calls it was stands in the test's output.
#[expect(clippy::print_stdout, reason = "shown when the test fails")]
fn tell(which: &'static str) -> impl FnOnce(Status) -> Status {
    move |status| {
        println!("{which}: {status}");
        status
    }
}

fn keys(folder: &Folder, command: &str) -> Command {
    let mut keys = Command::new(binary());
    keys.args(["keys", command, "--data-dir"]).arg(&folder.0);
    keys
}

/// The names of the keys that sign, by kind.
fn current(folder: &Folder) -> BTreeSet<String> {
    let listed = run(&mut keys(folder, "list")).unwrap();
    let current: BTreeSet<_> =
        listed.lines().filter(|line| line.ends_with("current")).map(key_of).collect();
    assert_eq!(current.len(), 3, "{listed}");
    current
}

fn key_of(line: &str) -> String {
    line[14..].split_whitespace().next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_turn_under_load_and_no_call_fails() {
    let folder = Folder::fresh();
    let up = Up::start(&folder.0, &UNLIMITED);
    let address = format!("http://{}", up.address());
    let channel = tonic::transport::Endpoint::from_shared(address).unwrap().connect_lazy();
    let client = Client { channel, over: AtomicBool::new(false) };
    let grant = client.sign_up().await;
    let other = client.sign_in().await.unwrap();
    let mut seen = current(&folder);

    let rotations = full_or(10, 2);
    let rotate = async {
        for _ in 0..rotations {
            let mut command = keys(&folder, "rotate");
            spawn_blocking(move || run(&mut command).unwrap()).await.unwrap();
            let fresh = current(&folder);
            assert!(fresh.iter().all(|key| !seen.contains(key)), "{fresh:?}");
            seen.extend(fresh);
        }
        // Two at once wait for each other.
        let two = [keys(&folder, "rotate"), keys(&folder, "rotate")];
        for done in two.map(|mut rotate| spawn_blocking(move || run(&mut rotate).unwrap())) {
            done.await.unwrap();
        }
        client.over.store(true, Ordering::Relaxed);
    };
    let (read, write, refresh, come, ()) = tokio::join!(
        client.read(&grant),
        client.write(&grant),
        client.refresh(other),
        client.come(),
        rotate
    );
    for (what, calls) in
        [("reads", read), ("writes", write), ("refreshes", refresh), ("sign-ins", come)]
    {
        let Calls { answered, shed, refused } = calls;
        println!(
            "{answered} {what} answered, {shed} shed, {} failed over {} rotations",
            refused.len(),
            rotations + 2
        );
        assert!(answered > shed && refused.is_empty(), "{what}: {:?}", refused.first());
    }
    let listed = run(&mut keys(&folder, "list")).unwrap();
    let old = listed.lines().filter(|line| line.contains("old, verifies")).count();
    assert_eq!(old, 3 * (rotations + 2), "nothing is so old yet that it is gone: {listed}");
}
