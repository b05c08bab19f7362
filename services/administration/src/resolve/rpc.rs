//! The wire: every module that is named is asked once, all at the same time.

use std::collections::{HashMap, HashSet};

use devsphere_auth::Permit;
use devsphere_boot::Ctx;
use devsphere_error::{Error, Result};
use devsphere_proto::administration::v1::{
    self as pb, ResolveOutcome, resolve_service_server::ResolveService,
};
use devsphere_rpc::admit;
use futures_util::future::join_all;
use prost_reflect::DynamicMessage;
use tonic::{Code, Request, Response, Status};

use super::{Asked, by_collection, found, without};
use crate::modules::{Modules, call};

/// Names, over the modules' own reads.
pub(crate) struct Resolver {
    modules: Modules,
    public_url: String,
}

impl Resolver {
    /// The service of that context.
    pub(crate) fn new(ctx: &Ctx, modules: Modules) -> Self {
        Self { modules, public_url: ctx.config().public_url.clone() }
    }

    async fn batch_resolve(
        &self,
        (permit, request): (Permit, pb::BatchResolveRequest),
    ) -> Result<pb::BatchResolveResponse> {
        let asked = by_collection(self.modules.contract(), &request.names);

        let answers = asked.iter().map(|asked| self.read(&permit, asked));
        let answers = join_all(answers).await;

        let (mut known, mut away) = (HashMap::new(), HashSet::new());
        for (asked, records) in asked.iter().zip(answers) {
            match records? {
                Some(records) => known.extend(records.iter().map(|record| {
                    let resolved = found(asked.resource, record, &self.public_url);
                    (resolved.name.clone(), resolved)
                })),
                None => drop(away.insert(asked.resource.collection)),
            }
        }
        let result = |name: &String| {
            let collection = name.rsplit_once('/').map_or("", |(collection, _)| collection);
            known.remove(name).unwrap_or_else(|| match away.contains(collection) {
                true => without(name, ResolveOutcome::Unavailable),
                false => without(name, ResolveOutcome::NotFound),
            })
        };
        Ok(pb::BatchResolveResponse { results: request.names.iter().map(result).collect() })
    }

    /// Those of the records that are there for the caller; none when their module is away.
    async fn read(&self, permit: &Permit, asked: &Asked) -> Result<Option<Vec<DynamicMessage>>> {
        let resource = asked.resource;
        let request = resource.batch_get_request(asked.ids.clone());
        let answer = match self.modules.speaking(resource, permit) {
            Ok(way) => call(way, resource.batch_get, request).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => Ok(Some(resource.records(&answer))),
            Err(Error::Unavailable { .. }) => Ok(None),
            Err(Error::Peer(status)) => match status.code() {
                Code::PermissionDenied => Ok(Some(Vec::new())),
                Code::Unavailable => Ok(None),
                _ => Err(Error::Peer(status)),
            },
            Err(other) => Err(other),
        }
    }
}

#[tonic::async_trait]
impl ResolveService for Resolver {
    async fn batch_resolve(
        &self,
        request: Request<pb::BatchResolveRequest>,
    ) -> Result<Response<pb::BatchResolveResponse>, Status> {
        Ok(Response::new(self.batch_resolve(admit(request)?).await?))
    }
}
