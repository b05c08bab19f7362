//! What the contracts say in words, as their descriptors keep it.

use prost_reflect::FileDescriptor;

use crate::Method;

/// What stands above a method; empty where nothing does.
pub fn comment(method: &Method) -> String {
    let file = method.descriptor.parent_service().parent_file();
    comment_at(&file, method.descriptor.path())
}

/// What stands above the thing at that path of the file; empty where nothing does.
pub fn comment_at(file: &FileDescriptor, path: &[i32]) -> String {
    let source = file.file_descriptor_proto().source_code_info.as_ref();
    let mut places = source.into_iter().flat_map(|source| &source.location);
    let place = places.find(|place| place.path == path);
    place.and_then(|place| place.leading_comments.clone()).unwrap_or_default().trim().to_owned()
}
