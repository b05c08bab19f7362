//! Health in clear text, for whoever starts and stops processes and has no certificate.

use std::{collections::BTreeMap, net::SocketAddr};

use devsphere_error::{Error, Result};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, async_trait, service::Routes};
use tonic_health::{
    pb::{
        HealthCheckRequest, HealthCheckResponse,
        health_check_response::ServingStatus as Said,
        health_server::{Health, HealthServer},
    },
    server::{HealthReporter, HealthService, WatchStream},
};

use crate::{
    Limits, Listen, Tasks,
    listen::{Listener, Serving},
};

/// What the parts of a process say of themselves; its own state is that of all of them together.
struct Parts(BTreeMap<&'static str, HealthService>);

/// Answers probes at an address until the process drains; port 0 takes any that is free.
///
/// # Errors
/// When the address cannot be had.
pub async fn serve(
    listen: SocketAddr,
    parts: impl IntoIterator<Item = (&'static str, HealthReporter)>,
    tasks: &Tasks,
) -> Result<SocketAddr> {
    let listener = Listener::bind(&Listen::Clear(listen)).await?;
    let Listen::Clear(address) = listener.place else { return Err(Error::internal("no address")) };
    let of = |(name, reporter)| (name, HealthService::from_health_reporter(reporter));
    let parts = Parts(parts.into_iter().map(of).collect());
    let router = Routes::new(HealthServer::new(parts)).into_axum_router();
    let serving = Serving { router, limits: Limits::default(), leave: CancellationToken::new() };
    tasks.spawn("probe", listener.run(serving));
    Ok(address)
}

impl Parts {
    async fn ask(&self, service: &str) -> Result<Response<HealthCheckResponse>, Status> {
        let mut found = Err(Error::NotFound("service").into());
        for part in self.0.values() {
            let asked = HealthCheckRequest { service: service.to_owned() };
            match part.check(Request::new(asked)).await {
                Ok(said) if said.get_ref().status() != Said::Serving => return Ok(said),
                Ok(said) => found = Ok(said),
                Err(_) => {}
            }
        }
        found
    }
}

#[async_trait]
impl Health for Parts {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = request.into_inner().service;
        match self.0.get(service.as_str()) {
            Some(part) => part.check(Request::new(HealthCheckRequest::default())).await,
            None => self.ask(&service).await,
        }
    }

    type WatchStream = WatchStream;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<WatchStream>, Status> {
        Err(Error::UnknownMethod.into())
    }
}
