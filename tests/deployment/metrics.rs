//! What a collector is really sent: the names and labels that rules and dashboards stand on.
#![expect(clippy::panic, reason = "what was sent stands in the output")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use devsphere_proto::identity::v1::{SignInRequest, session_service_client::SessionServiceClient};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
    metrics::v1::{HistogramDataPoint, ResourceMetrics, metric::Data},
};
use tokio::{net::TcpListener, task::spawn_blocking};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, async_trait, transport::Server};

use crate::clients::up::{Folder, Up};

const SIGN_IN: &str = "/devsphere.identity.v1.SessionService/SignIn";

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ResourceMetrics>>>);

#[async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.0.lock().unwrap().extend(request.into_inner().resource_metrics);
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

/// Attributes by name, as text.
fn labels(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |one: &KeyValue| match one.value.clone().unwrap().value.unwrap() {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|one| (one.key.clone(), text(one))).collect()
}

/// The durations of calls, with their labels.
fn durations(sent: &[ResourceMetrics]) -> Vec<(BTreeMap<String, String>, HistogramDataPoint)> {
    let metrics = sent.iter().flat_map(|one| &one.scope_metrics).flat_map(|one| &one.metrics);
    let found = metrics.filter(|metric| metric.name == "rpc.server.duration");
    let points = found.flat_map(|metric| {
        assert_eq!(metric.unit, "s");
        match metric.data.clone().unwrap() {
            Data::Histogram(histogram) => histogram.data_points,
            other => panic!("{other:?}"),
        }
    });
    points.map(|point| (labels(&point.attributes), point)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_measured_in_seconds_by_module_method_and_outcome() {
    let collector = Collector::default();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::builder()
        .add_service(MetricsServiceServer::new(collector.clone()))
        .serve_with_incoming(TcpListenerStream::new(listener));
    let tasks = devsphere_boot::Tasks::default();
    tasks.spawn("collector", async { server.await.unwrap() });
    let folder = Folder::fresh();
    let path = folder.0.clone();
    let start = move || Up::start(&path, &["--otlp-endpoint", &endpoint]);
    let up = spawn_blocking(start).await.unwrap();

    let stranger = SignInRequest {
        email: "nobody@example.com".into(),
        password: "no such password".into(),
        ..SignInRequest::default()
    };
    let address = format!("http://{}", up.address());
    let mut sessions = SessionServiceClient::connect(address).await.unwrap();
    let refused = sessions.sign_in(stranger).await.unwrap_err();
    // What is buffered is sent at the end.
    spawn_blocking(move || drop(up)).await.unwrap();
    tasks.stop().await;

    assert_eq!(refused.code(), Code::Unauthenticated);
    let sent = collector.0.lock().unwrap().clone();
    for resource in &sent {
        let labels = labels(&resource.resource.as_ref().unwrap().attributes);
        assert_eq!(labels["service.name"], "devsphere");
        assert!(!labels["service.instance.id"].is_empty(), "{labels:?}");
    }
    let durations = durations(&sent);
    for module in ["gateway", "identity"] {
        let wanted = [
            ("rpc.grpc.status_code".to_owned(), "16".to_owned()),
            ("rpc.method".to_owned(), SIGN_IN.to_owned()),
            ("service.module".to_owned(), module.to_owned()),
        ];
        let point = durations.iter().find(|(labels, _)| *labels == BTreeMap::from(wanted.clone()));
        let (_, point) = point.unwrap_or_else(|| panic!("{module}: {durations:?}"));
        // A call of some milliseconds and one of some seconds are not the same.
        let (first, last) = (point.explicit_bounds[0], point.explicit_bounds.last().unwrap());
        assert!(first <= 0.001 && *last >= 10.0, "{:?}", point.explicit_bounds);
    }
}
