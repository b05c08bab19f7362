//! Comments of the contracts, as the descriptor set keeps them.

use prost_reflect::{FileDescriptor, MethodDescriptor};

/// What stands above the thing at that path of the file; empty where nothing does.
pub(crate) fn of(file: &FileDescriptor, path: &[i32]) -> String {
    let source = file.file_descriptor_proto().source_code_info.as_ref();
    let mut places = source.into_iter().flat_map(|source| &source.location);
    let place = places.find(|place| place.path == path);
    place.and_then(|place| place.leading_comments.clone()).unwrap_or_default().trim().to_owned()
}

/// What stands above an RPC.
pub(crate) fn of_method(method: &MethodDescriptor) -> String {
    of(&method.parent_service().parent_file(), method.path())
}

/// The words between backticks.
pub(crate) fn quoted(comment: &str) -> Vec<String> {
    comment.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
