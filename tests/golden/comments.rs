//! Comments of the contracts, as the descriptor set keeps them.

use prost_reflect::MethodDescriptor;

pub(crate) use devsphere_proto::comment_at as of;

/// What stands above an RPC.
pub(crate) fn of_method(method: &MethodDescriptor) -> String {
    of(&method.parent_service().parent_file(), method.path())
}

/// The words between backticks.
pub(crate) fn quoted(comment: &str) -> Vec<String> {
    comment.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
