//! What the contracts say in words, as their descriptors keep it.

use crate::Method;

/// What stands above a method; empty where nothing does.
pub fn comment(method: &Method) -> String {
    let file = method.descriptor.parent_service().parent_file();
    let source = file.file_descriptor_proto().source_code_info.as_ref();
    let mut places = source.into_iter().flat_map(|source| &source.location);
    let place = places.find(|place| place.path == method.descriptor.path());
    place.and_then(|place| place.leading_comments.clone()).unwrap_or_default().trim().to_owned()
}
