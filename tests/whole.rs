//! The whole mesh behind its gateway, and people who sign in for real.

use std::net::SocketAddr;

use devsphere_gateway::{Config, Edge, Gateway, Limits, Rates, serve};
use devsphere_proto::{
    crm::v1::lead_service_client::LeadServiceClient,
    identity::v1::{
        ActivateRequest, CreateMemberRequest, Grant, Member, Role, SignInRequest, SignUpRequest,
        member_service_client::MemberServiceClient, person_service_client::PersonServiceClient,
        session_service_client::SessionServiceClient,
    },
};
use devsphere_testkit::World;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use crate::{apart::ways::Apart, counts::is_apart, matrix::stage::MODULES};

pub const PASSWORD: &str = "correct horse battery staple";

/// What the first person of an organisation signs up with.
pub fn founding(email: &str) -> SignUpRequest {
    SignUpRequest {
        email: email.into(),
        password: PASSWORD.into(),
        display_name: "Ada Founder".into(),
        organization_display_name: "Northwind".into(),
        ..SignUpRequest::default()
    }
}

/// Every service and the gateway, in this process or, with `DEVSPHERE_APART=1`, two of each in
/// processes of their own.
pub struct Mesh {
    pub world: World,
    runs: Runs,
}

enum Runs {
    Here(Gateway),
    Apart(Box<Apart>),
}

/// Somebody signed in.
pub struct Person {
    pub grant: Grant,
    channel: Channel,
}

/// Sends an access token as bearer.
#[derive(Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

pub type Signed = InterceptedService<Channel, Bearer>;

impl Bearer {
    /// That access token.
    pub fn of(token: &str) -> Self {
        Self(format!("Bearer {token}").parse().ok())
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

impl Mesh {
    pub async fn start() -> Self {
        if is_apart() {
            let apart = Apart::start().await;
            return Self { world: apart.world(), runs: Runs::Apart(Box::new(apart)) };
        }
        let world = World::start(&MODULES).await;
        let config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            peers: world.endpoints().clone(),
            edge: Edge::default(),
            limits: Limits { rates: Rates::unlimited(), ..Limits::default() },
        };
        let gateway = serve(config, world.tasks()).await.unwrap();
        Self { world, runs: Runs::Here(gateway) }
    }

    /// Where a gateway listens; where there are two, one after the other.
    pub fn address(&self) -> SocketAddr {
        match &self.runs {
            Runs::Here(gateway) => gateway.address,
            Runs::Apart(apart) => apart.gateway(),
        }
    }

    /// Stops everything, as an operator would.
    pub async fn stop(&self) {
        if let Runs::Here(gateway) = &self.runs {
            gateway.stop().await;
        }
        self.world.stop().await;
    }

    pub fn channel(&self) -> Channel {
        let address = format!("http://{}", self.address());
        Endpoint::from_shared(address).unwrap().connect_lazy()
    }

    pub fn sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.channel())
    }

    pub fn with_token(&self, token: &str) -> Signed {
        InterceptedService::new(self.channel(), Bearer::of(token))
    }

    pub async fn founder(&self) -> Person {
        let request = founding("ada@example.com");
        let grant = self.sessions().sign_up(request).await.unwrap().into_inner();
        Person { grant, channel: self.channel() }
    }

    pub async fn sign_in(&self, email: &str) -> Result<Person, Status> {
        let request = SignInRequest {
            email: email.into(),
            password: PASSWORD.into(),
            organization_id: String::new(),
        };
        let grant = self.sessions().sign_in(request).await?.into_inner();
        Ok(Person { grant, channel: self.channel() })
    }

    /// Adds a member through the ceo, who activates and signs in.
    pub async fn member(&self, ceo: &Person, name: &str, role: Role) -> Person {
        let email = format!("{name}@example.com");
        let member = Member {
            email: email.clone(),
            display_name: name.into(),
            role: role.into(),
            ..Member::default()
        };
        let request =
            CreateMemberRequest { member: Some(member), ..CreateMemberRequest::default() };
        let created = ceo.members().create_member(request).await.unwrap().into_inner();
        let activate = ActivateRequest {
            activation_token: created.activation_token,
            password: PASSWORD.into(),
            display_name: name.into(),
        };
        self.sessions().activate(activate).await.unwrap();
        self.sign_in(&email).await.unwrap()
    }
}

impl Person {
    fn signed(&self) -> Signed {
        InterceptedService::new(self.channel.clone(), Bearer::of(&self.grant.access_token))
    }

    pub fn leads(&self) -> LeadServiceClient<Signed> {
        LeadServiceClient::new(self.signed())
    }

    pub fn members(&self) -> MemberServiceClient<Signed> {
        MemberServiceClient::new(self.signed())
    }

    pub fn own(&self) -> PersonServiceClient<Signed> {
        PersonServiceClient::new(self.signed())
    }

    pub fn sessions(&self) -> SessionServiceClient<Signed> {
        SessionServiceClient::new(self.signed())
    }

    pub fn person_id(&self) -> String {
        self.grant.person.clone().unwrap().person_id
    }
}
