//! What a service says about itself.

use std::{convert::Infallible, sync::Arc};

use devsphere_auth::Verifier;
use devsphere_error::{Error, Result};
use tonic::{
    body::Body,
    codegen::{Service as TowerService, http},
    server::NamedService,
    service::{Routes, RoutesBuilder},
};

use crate::{Ctx, RenewHandle};

/// Everything the mesh needs to run one module.
pub struct Service {
    pub(crate) ctx: Ctx,
    pub(crate) names: Vec<&'static str>,
    pub(crate) routes: Routes,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) renewal: RenewHandle,
}

/// A service that must not start.
#[derive(Debug, thiserror::Error)]
pub enum BadService {
    /// It serves what no contract describes.
    #[error("{0} is served but in no contract")]
    Unknown(&'static str),
    /// It leaves out what its contract promises.
    #[error("{0} is in the contract but not served")]
    Missing(String),
}

/// Gathers a module's gRPC services.
pub struct Builder {
    ctx: Ctx,
    names: Vec<&'static str>,
    routes: RoutesBuilder,
    verifier: Arc<Verifier>,
    renewal: RenewHandle,
}

impl Service {
    /// Begins the module of that context, with its way of verifying and renewing assertions.
    pub fn of(ctx: &Ctx, verifier: Arc<Verifier>, renewal: RenewHandle) -> Builder {
        Builder {
            ctx: ctx.clone(),
            names: Vec::new(),
            routes: Routes::builder(),
            verifier,
            renewal,
        }
    }
}

impl Builder {
    /// Adds a generated gRPC service.
    #[must_use]
    pub fn add<S>(mut self, service: S) -> Self
    where
        S: TowerService<http::Request<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.names.push(S::NAME);
        self.routes.add_service(service);
        self
    }

    /// The module, once it serves exactly what its contract says.
    ///
    /// # Errors
    /// Names the gRPC service that is too much, or missing.
    pub fn build(self) -> Result<Service> {
        let promised: Vec<_> = self
            .ctx
            .contract
            .methods()
            .filter(|method| method.module == self.ctx.name)
            .map(|method| method.descriptor.parent_service().full_name().to_owned())
            .collect();
        if let Some(unknown) = self.names.iter().find(|name| !promised.iter().any(|p| p == *name)) {
            return Err(Error::internal(BadService::Unknown(unknown)));
        }
        if let Some(missing) = promised.iter().find(|name| !self.names.contains(&name.as_str())) {
            return Err(Error::internal(BadService::Missing(missing.clone())));
        }
        Ok(Service {
            ctx: self.ctx,
            names: self.names,
            routes: self.routes.routes(),
            verifier: self.verifier,
            renewal: self.renewal,
        })
    }
}
