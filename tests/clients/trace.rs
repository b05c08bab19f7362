//! A trace, as an OTLP collector receives it: one span for each hop, one for each transaction.

use std::sync::{Arc, Mutex};

use devsphere_proto::{
    crm::v1::{ListLeadsRequest, lead_service_client::LeadServiceClient},
    identity::v1::{SignInRequest, session_service_client::SessionServiceClient},
};
use devsphere_testkit::eventually;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    trace::v1::Span,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, async_trait, transport::Server};

use super::up::{Folder, Up};

/// The trace that the call says it belongs to (W3C Trace Context).
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes = request.into_inner().resource_spans.into_iter();
        let spans = scopes.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans);
        self.0.lock().unwrap().extend(spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// Names of the spans of our trace, sorted.
    fn names(&self) -> Vec<String> {
        let spans = self.0.lock().unwrap();
        let hexadecimal =
            |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut names: Vec<_> = spans
            .iter()
            .filter(|span| hexadecimal(&span.trace_id) == TRACE)
            .map(|span| span.name.rsplit('/').next().unwrap_or_default().to_owned())
            .collect();
        names.sort();
        names
    }
}

async fn list_leads_traced(up: &Up) {
    let address = format!("http://{}", up.address());
    let (email, password) = up.demo("manager");
    let sign_in = SignInRequest { email, password, organization_id: String::new() };
    let grant = SessionServiceClient::connect(address.clone())
        .await
        .unwrap()
        .sign_in(sign_in)
        .await
        .unwrap()
        .into_inner();
    let mut request = Request::new(ListLeadsRequest::default());
    let metadata = request.metadata_mut();
    metadata.insert("authorization", format!("Bearer {}", grant.access_token).parse().unwrap());
    metadata.insert("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01").parse().unwrap());
    LeadServiceClient::connect(address).await.unwrap().list_leads(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_has_one_span_for_each_hop_and_one_for_each_transaction() {
    let collector = Collector::default();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::builder()
        .add_service(TraceServiceServer::new(collector.clone()))
        .serve_with_incoming(TcpListenerStream::new(listener));
    let tasks = devsphere_boot::Tasks::default();
    tasks.spawn("collector", async { server.await.unwrap() });
    let folder = Folder::fresh();
    let path = folder.0.clone();
    let up = tokio::task::spawn_blocking(move || {
        Up::start(&path, &["--demo", "--otlp-endpoint", &endpoint])
    })
    .await
    .unwrap();

    list_leads_traced(&up).await;

    // Gateway and crm each know the call by its method; identity exchanges the credential.
    let expected = ["Exchange", "ListLeads", "ListLeads", "transaction"];
    let names = eventually("the spans of the trace", async || {
        let names = collector.names();
        (names.len() >= expected.len()).then_some(names)
    })
    .await;
    assert_eq!(names, expected);
    tokio::task::spawn_blocking(move || drop(up)).await.unwrap();
    tasks.stop().await;
}
