//! A set of permissions as bits over `proto/permissions.txt`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use devsphere_proto::{Contract, PERMISSIONS, Permission};

/// A set of permissions, one bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PermissionSet(Vec<u8>);

impl PermissionSet {
    /// Nothing.
    pub const EMPTY: Self = Self(Vec::new());

    /// Adds a bit.
    pub fn insert(&mut self, bit: u16) {
        let byte = usize::from(bit / 8);
        if self.0.len() <= byte {
            self.0.resize(byte + 1, 0);
        }
        self.0[byte] |= 1 << (bit % 8);
    }

    /// True when the bit is in.
    pub fn has(&self, bit: u16) -> bool {
        self.0.get(usize::from(bit / 8)).is_some_and(|byte| byte & (1 << (bit % 8)) != 0)
    }

    /// Both sets together.
    pub fn union(&self, other: &Self) -> Self {
        let longest = self.0.len().max(other.0.len());
        let at = |set: &Self, place: usize| set.0.get(place).copied().unwrap_or_default();
        Self((0..longest).map(|place| at(self, place) | at(other, place)).collect())
    }

    /// True when everything in `other` is in here.
    pub fn covers(&self, other: &Self) -> bool {
        self.union(other).names().eq(self.names())
    }

    /// The permissions that the patterns name; `*` at the end stands for everything that begins so.
    pub fn matching(patterns: &[&str]) -> Self {
        let hit = |name: &str| {
            patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == *pattern,
            })
        };
        let mut set = Self::EMPTY;
        for (bit, name) in (0..).zip(PERMISSIONS.lines()) {
            if hit(name) {
                set.insert(bit);
            }
        }
        set
    }

    /// The permissions' names, in the order of their bits.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        (0..).zip(PERMISSIONS.lines()).filter(|(bit, _)| self.has(*bit)).map(|(_, name)| name)
    }

    /// As it stands in assertions: base64url of the bits, the lowest first.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }

    /// The reverse of [`PermissionSet::encode`]; none for damaged text.
    pub fn decode(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok().map(Self)
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        let mut set = Self::EMPTY;
        for permission in permissions {
            set.insert(permission.bit);
        }
        set
    }
}

/// The modules in which the holder of these permissions sees every record: the bits of those
/// whose `<module>.all` is in the set.
pub fn module_bits(contract: &Contract, permissions: &PermissionSet) -> u64 {
    contract
        .modules()
        .filter(|module| {
            let all = contract.permission(&format!("{}.all", module.name));
            all.is_some_and(|all| permissions.has(all.bit))
        })
        .fold(0, |bits, module| bits | 1 << module.bit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    #[test]
    fn a_set_reads_back_what_it_encodes() {
        let set = Role::Sales.permissions();

        assert_eq!(PermissionSet::decode(&set.encode()), Some(set));
    }

    #[test]
    fn a_ceo_covers_everybody_and_sales_covers_no_manager() {
        let of = Role::permissions;

        assert!(Role::ALL.into_iter().all(|role| of(Role::Ceo).covers(&of(role))));
        assert!(!of(Role::Sales).covers(&of(Role::Manager)));
    }
}
