//! One link of a chain: the hash over the link before it and over a record's canonical bytes.

use aws_lc_rs::digest::{Context, SHA256};

use super::Hash;

/// What the first link follows.
pub(super) const BEGINNING: Hash = [0; 32];

const TAG: &[u8] = b"devsphere.audit.record.v1";

/// The canonical bytes of `platform.audit as a`: PostgreSQL's one text of a JSON array of all its
/// columns. The two documents stand in it as text, so that no null is taken for another.
macro_rules! canonical {
    () => {
        "jsonb_build_array(
            a.org_id, a.audit_id, a.action, a.noun, a.record_id, a.principal_kind, a.principal_id, a.session_id,
            a.method, a.trace_id, a.client_address::text, a.before::text, a.after::text,
            (extract(epoch from a.create_time) * 1000000)::bigint)::text"
    };
}
pub(super) use canonical;

/// The hash of a record that follows that link; a record that is gone has no bytes.
pub(super) fn link(before: &Hash, record: &str) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(TAG);
    context.update(before);
    context.update(&u64::try_from(record.len()).unwrap_or(u64::MAX).to_be_bytes());
    context.update(record.as_bytes());
    let mut hash = BEGINNING;
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::hex;

    #[test]
    fn a_link_is_what_it_ever_was() {
        // A change here breaks every chain there is: it needs another tag.
        assert_eq!(
            hex(&link(&BEGINNING, "[]")),
            "0bbfa93337676e156f8448aad5f52416c9a107f04fec7be9917e57f2cf4cd060"
        );
    }

    #[test]
    fn a_link_depends_on_the_one_before_and_on_the_record() {
        let first = link(&BEGINNING, "a");

        assert_ne!(link(&first, "b"), link(&BEGINNING, "b"));
        assert_ne!(link(&first, "b"), link(&first, "c"));
    }
}
