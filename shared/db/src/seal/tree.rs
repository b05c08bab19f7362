//! A Merkle tree over the heads of all chains. Leaves come at the end or change; none ever leaves.

use aws_lc_rs::digest::{SHA256, digest};
use uuid::Uuid;

use super::Hash;

/// Every level from the leaves up; a node without a sibling stands in the level above as it is.
#[derive(Default)]
pub(super) struct Tree(Vec<Vec<Hash>>);

/// Leaves and nodes begin differently, so that no node passes for a leaf (RFC 6962).
const LEAF: u8 = 0;
const NODE: u8 = 1;

/// A chain's end as a leaf.
pub(super) fn leaf(chain: Uuid, position: i64, hash: &[u8]) -> Hash {
    sha256(&[&[LEAF][..], chain.as_bytes(), &position.to_be_bytes(), hash].concat())
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

impl Tree {
    /// Puts a leaf at its place, the next one or one that is there; false at any other.
    pub(super) fn set(&mut self, place: usize, leaf: Hash) -> bool {
        if self.0.is_empty() {
            self.0.push(Vec::new());
        }
        if place > self.leaves() {
            return false;
        }
        put(&mut self.0[0], place, leaf);
        let (mut level, mut place) = (0, place);
        while self.0[level].len() > 1 {
            place /= 2;
            let below = &self.0[level];
            let left = &below[place * 2];
            let node = match below.get(place * 2 + 1) {
                Some(right) => sha256(&[&[NODE][..], left, right].concat()),
                None => *left,
            };
            level += 1;
            if self.0.len() == level {
                // The left half of a tree that grew by a level is not on the new leaf's path.
                self.0.push(pairs(&self.0[level - 1]));
            } else {
                put(&mut self.0[level], place, node);
            }
        }
        true
    }

    pub(super) fn leaves(&self) -> usize {
        self.0.first().map_or(0, Vec::len)
    }

    /// The root; of no leaves, zeros.
    pub(super) fn root(&self) -> Hash {
        self.0.last().and_then(|level| level.first()).copied().unwrap_or_default()
    }
}

fn put(level: &mut Vec<Hash>, place: usize, hash: Hash) {
    match level.get_mut(place) {
        Some(there) => *there = hash,
        None => level.push(hash),
    }
}

fn pairs(level: &[Hash]) -> Vec<Hash> {
    let node = |pair: &[Hash]| match pair {
        [left, right] => sha256(&[&[NODE][..], left, right].concat()),
        [alone] => *alone,
        _ => Hash::default(),
    };
    level.chunks(2).map(node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(leaves: &[Hash]) -> Hash {
        let mut level = leaves.to_vec();
        while level.len() > 1 {
            level = pairs(&level);
        }
        level.first().copied().unwrap_or_default()
    }

    #[test]
    fn a_tree_that_grew_and_changed_is_the_tree_made_at_once() {
        let (mut tree, mut leaves) = (Tree::default(), Vec::new());
        for place in 0..40_usize {
            let hash = sha256(&place.to_be_bytes());
            leaves.push(hash);
            assert!(tree.set(place, hash));
            assert_eq!(tree.root(), whole(&leaves), "with {place}");
            let changed = sha256(&[7, u8::try_from(place).unwrap()]);
            leaves[place / 2] = changed;
            assert!(tree.set(place / 2, changed));
            assert_eq!(tree.root(), whole(&leaves), "after {place}");
        }
        assert!(!tree.set(41, [0; 32]));
    }
}
