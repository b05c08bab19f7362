//! Reflection, in both versions that clients speak, over the descriptors as they were compiled.

use axum::Router;
use devsphere_error::{Error, Result};
use devsphere_proto::DESCRIPTORS;
use tonic::service::Routes;
use tonic_reflection::server::Builder;

/// Adds reflection of the named gRPC services.
///
/// # Errors
/// When the descriptors do not decode.
pub fn add(names: &[&str], router: Router) -> Result<Router> {
    add_from(DESCRIPTORS, names, router)
}

/// The same over another descriptor set, as the gateway's, which leaves out what is internal.
///
/// # Errors
/// As [`add`].
pub fn add_from(descriptors: &[u8], names: &[&str], router: Router) -> Result<Router> {
    let builder = || {
        // The raw bytes: options that are extensions survive only in them.
        let builder = Builder::configure().register_encoded_file_descriptor_set(descriptors);
        names.iter().fold(builder, |builder, name| builder.with_service_name(*name))
    };
    let v1 = builder().build_v1().map_err(Error::internal)?;
    let v1alpha = builder().build_v1alpha().map_err(Error::internal)?;
    Ok(router
        .merge(Routes::new(v1).into_axum_router().reset_fallback())
        .merge(Routes::new(v1alpha).into_axum_router().reset_fallback()))
}
