//! Calls of other modules by their descriptors: no code for each noun.

use std::collections::BTreeMap;

use devsphere_auth::Permit;
use devsphere_boot::{Channel, Ctx, Forward, Stub, peer_error};
use devsphere_error::{Error, Result};
use devsphere_proto::{Contract, Method, Resource};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
    service::interceptor::InterceptedService,
};

/// A way that speaks for somebody.
pub(crate) type Speaking = InterceptedService<Channel, Forward>;

/// The ways to every module whose records clients name.
#[derive(Clone)]
pub(crate) struct Modules {
    contract: &'static Contract,
    stubs: BTreeMap<&'static str, Stub>,
}

impl Modules {
    /// The ways of that context; a module that is not configured is as one that is away.
    pub(crate) fn new(ctx: &Ctx) -> Self {
        let contract = ctx.contract();
        let modules = contract.resources().iter().map(|resource| resource.module);
        let stubs = modules.filter_map(|module| Some((module, ctx.stub(module).ok()?)));
        Self { contract, stubs: stubs.collect() }
    }

    pub(crate) const fn contract(&self) -> &'static Contract {
        self.contract
    }

    /// The way to a resource's module.
    pub(crate) fn stub(&self, resource: &Resource) -> Result<&Stub> {
        self.stubs.get(resource.module).ok_or(Error::Unavailable {
            cause: "no_peer",
            message: "a service that is needed is not configured",
            source: None,
        })
    }

    /// The same, speaking for the permit's caller.
    pub(crate) fn speaking(&self, resource: &Resource, permit: &Permit) -> Result<Speaking> {
        Ok(self.stub(resource)?.of(permit))
    }
}

/// Calls a unary method.
pub(crate) async fn call(
    way: Speaking,
    method: &Method,
    request: DynamicMessage,
) -> Result<DynamicMessage> {
    let mut grpc = Grpc::new(way);
    grpc.ready().await.map_err(|error| away(error.into()))?;
    let path = PathAndQuery::from_static(method.path);
    let codec = Dynamic(method.descriptor.output());
    let answer = grpc.unary(Request::new(request), path, codec).await;
    Ok(answer.map_err(peer_error)?.into_inner())
}

fn away(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Unavailable {
        cause: "peer",
        message: "a service that is needed is away, try again",
        source: Some(source),
    }
}

/// Messages as their descriptors say.
#[derive(Debug, Clone)]
struct Dynamic(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        self.clone()
    }

    fn decoder(&mut self) -> Self {
        self.clone()
    }
}

impl Encoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(to).map_err(|error| Error::internal(error).into())
    }
}

impl Decoder for Dynamic {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let decoded = DynamicMessage::decode(self.0.clone(), from);
        decoded.map(Some).map_err(|error| Error::internal(error).into())
    }
}
