//! Logs to standard error; spans and metrics to an OTLP collector when one is named.

use std::io::IsTerminal as _;

use http::HeaderMap;
use opentelemetry::{
    Key, KeyValue, global,
    metrics::Histogram,
    propagation::{Extractor, Injector},
    trace::TracerProvider as _,
};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    metrics::SdkMeterProvider,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use tonic::metadata::{KeyRef, MetadataKey, MetadataMap};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};
use uuid::Uuid;

/// What to say, where.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// An `env_logger`-like filter; empty means `info`.
    pub filter: String,
    /// One JSON object a line instead of text.
    pub json: bool,
    /// An OTLP collector over gRPC, as in `http://127.0.0.1:4317`.
    pub otlp_endpoint: Option<String>,
}

/// Seconds, from a cached answer to the longest unary call: what OpenTelemetry takes by itself is
/// made for milliseconds, and would put every call into one bucket.
const DURATIONS: [f64; 15] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

/// Tells processes of one mesh apart, where the environment does not say otherwise.
const INSTANCE: &str = "service.instance.id";

/// Ends telemetry: what is buffered is sent.
#[derive(Default)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

/// Begins telemetry for the whole process.
///
/// # Errors
/// When the filter or the endpoint is no such thing, or telemetry has begun already.
pub fn begin(options: &Options) -> Result<Telemetry, Box<dyn std::error::Error + Send + Sync>> {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let filter = if options.filter.is_empty() { "info" } else { &options.filter };
    // Colours are for people at a terminal, not for files.
    let to_stderr = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let to_stderr =
        if options.json { to_stderr.json().boxed() } else { to_stderr.with_target(false).boxed() };
    let filter = EnvFilter::try_new(filter)?.add_directive("transaction=off".parse()?);
    let logs = to_stderr.with_filter(filter);
    let registry = tracing_subscriber::registry().with(logs);

    let Some(endpoint) = &options.otlp_endpoint else {
        registry.try_init()?;
        return Ok(Telemetry::default());
    };
    let resource = resource();
    let spans = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let traces = SdkTracerProvider::builder()
        .with_batch_exporter(spans)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_resource(resource.clone())
        .build();
    let metrics = MetricExporter::builder().with_tonic().with_endpoint(endpoint).build()?;
    let metrics =
        SdkMeterProvider::builder().with_periodic_exporter(metrics).with_resource(resource).build();
    global::set_meter_provider(metrics.clone());
    let tracer = traces.tracer("devsphere");
    let ours = EnvFilter::try_new(
        "off,transaction=info,devsphere=info,devsphere_boot=info,devsphere_db=info,devsphere_gateway=info",
    )?;
    registry
        .with(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(ours))
        .try_init()?;
    Ok(Telemetry { traces: Some(traces), metrics: Some(metrics) })
}

/// The duration of calls in seconds; its count is the number of calls. One for gateway and services.
pub fn durations() -> Histogram<f64> {
    let meter = global::meter("devsphere");
    let named = meter.f64_histogram("rpc.server.duration").with_unit("s");
    named.with_boundaries(DURATIONS.to_vec()).build()
}

fn resource() -> Resource {
    let resource = Resource::builder().with_service_name("devsphere");
    let named = Resource::builder().build().get(&Key::new(INSTANCE)).is_some();
    match named {
        true => resource.build(),
        false => {
            resource.with_attribute(KeyValue::new(INSTANCE, Uuid::new_v4().to_string())).build()
        }
    }
}

impl Telemetry {
    /// Sends what is buffered. May wait for a collector, so it runs off the async threads.
    pub async fn end(self) {
        let ended = tokio::task::spawn_blocking(move || {
            let traces = self.traces.map(|traces| traces.shutdown());
            let metrics = self.metrics.map(|metrics| metrics.shutdown());
            (traces, metrics)
        });
        if let Ok((Some(Err(error)), _) | (_, Some(Err(error)))) = ended.await {
            tracing::debug!(%error, "telemetry did not end well");
        }
    }
}

/// Makes a span the child of the caller's, named in `traceparent` (W3C Trace Context).
pub fn adopt(span: &Span, headers: &HeaderMap) {
    let parent =
        global::get_text_map_propagator(|propagator| propagator.extract(&Headers(headers)));
    // Refused only for a span that the filter leaves out; then there is nothing to join.
    let _ = span.set_parent(parent);
}

/// Names the current span in a call's metadata.
pub fn inject(metadata: &mut MetadataMap) {
    let context = Span::current().context();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut Metadata(metadata));
    });
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

struct Metadata<'a>(&'a mut MetadataMap);

impl Injector for Metadata<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (MetadataKey::from_bytes(key.as_bytes()), value.parse()) {
            self.0.insert(key, value);
        }
    }
}

impl Extractor for Metadata<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0
            .keys()
            .filter_map(|key| match key {
                KeyRef::Ascii(key) => Some(key.as_str()),
                KeyRef::Binary(_) => None,
            })
            .collect()
    }
}
