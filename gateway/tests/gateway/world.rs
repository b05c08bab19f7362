//! A gateway before two recorders, crm and identity, each on a socket of its own.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use devsphere_boot::{Endpoint, Tasks};
use devsphere_error::{Error, Failure, Language, localized};
use devsphere_gateway::{Config, Edge, Gateway, Limits, serve};
use devsphere_proto::identity::v1::{
    assertion_service_server::AssertionServiceServer,
    revocation_service_server::RevocationServiceServer,
};
use http::HeaderMap;
use opentelemetry::{global, trace::TracerProvider as _};
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::SdkTracerProvider};
use prost::Message;
use tonic::service::Routes;
use tonic_health::server::{HealthReporter, health_reporter};
use tracing_subscriber::{
    Layer as _, filter::LevelFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::{
    client::{Client, frame, headers},
    identity::Identity,
    recorder::{Answer, Recorder},
};

pub(crate) const GET: &str = "/devsphere.crm.v1.LeadService/GetLead";
pub(crate) const EXPORT: &str = "/devsphere.crm.v1.LeadService/ExportLeads";
pub(crate) const ME: &str = "/devsphere.identity.v1.PersonService/GetMe";
pub(crate) const PUBLIC: &str = "/devsphere.identity.v1.InstanceService/GetInstance";
pub(crate) const INTERNAL: &str = "/devsphere.identity.v1.AssertionService/Exchange";

const ASSERTIONS: &str = "devsphere.identity.v1.AssertionService";
const REVOCATIONS: &str = "devsphere.identity.v1.RevocationService";
const HEALTH: &str = "grpc.health.v1.Health";

static COUNT: AtomicU32 = AtomicU32::new(0);

pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) crm: Arc<Recorder>,
    pub(crate) crm_health: HealthReporter,
    pub(crate) identity: Arc<Identity>,
    /// The rest of identity: what is not an exchange.
    pub(crate) persons: Arc<Recorder>,
    folder: PathBuf,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::behind(Edge::default(), limits).await
    }

    pub(crate) async fn behind(edge: Edge, limits: Limits) -> Self {
        traced();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("devsphere-gateway-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        let sockets = [folder.join("crm"), folder.join("identity")];

        let (crm_health, health) = health_reporter();
        let crm = Recorder::start(&sockets[0], vec![HEALTH], Routes::new(health));
        let identity = Arc::new(Identity::new());
        let (_, health) = health_reporter();
        let exchange = AssertionServiceServer::from_arc(identity.clone());
        let feed = RevocationServiceServer::from_arc(identity.clone());
        let routes = Routes::new(health).add_service(exchange).add_service(feed);
        let persons = Recorder::start(&sockets[1], vec![HEALTH, ASSERTIONS, REVOCATIONS], routes);

        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let peers = ["crm", "identity"].into_iter().zip(sockets.map(Endpoint::Unix));
        let config = Config { listen, peers: BTreeMap::from_iter(peers), edge, limits };
        let gateway = serve(config, &Tasks::default()).await.unwrap();
        Self { gateway, crm, crm_health, identity, persons, folder }
    }

    /// What crm was asked, the last time.
    pub(crate) fn asked<M: Message + Default>(&self) -> M {
        let seen = self.crm.seen().pop().unwrap();
        assert_eq!(seen.headers["content-type"], "application/grpc");
        M::decode(&seen.body.unwrap()[5..]).unwrap()
    }

    /// Crm answers that from now on.
    pub(crate) fn will_answer(&self, message: &impl Message) {
        let trailers = headers(&[("grpc-status", "0")]);
        let pieces = vec![frame(&message.encode_to_vec())];
        self.crm.will(Answer::Say { headers: HeaderMap::new(), pieces, trailers });
    }

    /// Crm refuses so from now on.
    pub(crate) fn will_refuse(&self, error: &Error) {
        let status = localized(error.status("r-1", Failure::Query), Language::English);
        let mut headers = HeaderMap::new();
        status.add_header(&mut headers).unwrap();
        self.crm.will(Answer::Refuse(headers));
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.gateway.address).await
    }
}

/// Traces as with a collector, but sends them nowhere.
fn traced() {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let tracer = SdkTracerProvider::default().tracer("test");
    let spans = tracing_opentelemetry::layer().with_tracer(tracer).with_filter(LevelFilter::INFO);
    // The first test of the process has done it.
    let _ = tracing_subscriber::registry().with(spans).try_init();
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
