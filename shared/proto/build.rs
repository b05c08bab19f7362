//! Compiles the contracts without protoc: one descriptor set for reflection, one module tree of types.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use protox::file::{
    ChainFileResolver, DescriptorSetFileResolver, GoogleFileResolver, IncludeFileResolver,
};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());

    let mut files = Vec::new();
    find_protos(&root, &root, &mut files)?;
    files.sort();

    // `buf/validate/validate.proto` comes from its crate, so no third-party file is committed.
    let validate = prost_protovalidate_types::DESCRIPTOR_POOL.encode_to_vec();
    let mut resolver = ChainFileResolver::new();
    resolver.add(IncludeFileResolver::new(root));
    resolver.add(GoogleFileResolver::new());
    resolver.add(DescriptorSetFileResolver::decode(validate.as_slice())?);

    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;

    // The raw bytes: a decoded set has lost the options that are extensions.
    let out = PathBuf::from(out_dir()?);
    fs::write(out.join("descriptors.binpb"), compiler.encode_file_descriptor_set())?;

    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    tonic_prost_build::configure()
        // Read by reflection; the types themselves are 3,600 lines that nobody calls.
        .extern_path(".buf.validate", "::prost_types")
        .extern_path(".devsphere.options.v1", "::prost_types")
        .extern_path(".google.api", "::prost_types")
        .extern_path(".google.rpc", "::prost_types")
        .include_file("tree.rs")
        .compile_fds_with_config(compiler.file_descriptor_set(), config)?;
    Ok(())
}

fn find_protos(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find_protos(root, &path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path.strip_prefix(root)?.to_owned());
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by the environment")]
fn out_dir() -> Result<String, std::env::VarError> {
    std::env::var("OUT_DIR")
}
