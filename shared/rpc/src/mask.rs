//! Update masks (AIP-134, AIP-161): in the mask and set, in the mask and empty, or left alone.

use devsphere_error::{Error, Result};
use prost_types::FieldMask;

use crate::filter::shown;

/// The fields that an update touches.
///
/// A field in the mask takes the request's value, and is cleared if there is none; any other is
/// left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask(Vec<&'static str>);

impl Mask {
    /// Reads a mask over the updatable paths: each by itself, a message by its prefix, all by `*`.
    pub fn new(mask: Option<&FieldMask>, updatable: &'static [&'static str]) -> Result<Self> {
        let paths = mask.map(|mask| mask.paths.as_slice()).unwrap_or_default();
        let refused = |what: String| {
            Error::field("update_mask", format!("{what}; the fields are {}", updatable.join(", ")))
        };
        if paths.is_empty() {
            return Err(refused("is empty".into()));
        }
        let reaches = |path: &str| updatable.iter().any(|field| covers(path, field));
        if let Some(unknown) = paths.iter().find(|path| !reaches(path)) {
            return Err(refused(format!("names {}, which cannot be updated", shown(unknown))));
        }
        let named = |field: &&str| paths.iter().any(|path| covers(path, field));
        Ok(Self(updatable.iter().copied().filter(named).collect()))
    }

    /// Whether the update touches this path of the updatable ones.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains(&path)
    }
}

/// Names the fields that an update may write, and lets those in its mask pass from what was sent
/// into the record: `editable!(Content => Lead: display_name, note);`
#[macro_export]
macro_rules! editable {
    ($content:ident => $record:ident: $($field:ident),+ $(,)?) => {
        impl $content {
            const FIELDS: &[&str] = &[$(stringify!($field)),+];

            /// Writes what the mask touches.
            fn write(self, mask: &$crate::mask::Mask, record: &mut $record) {
                $(if mask.has(stringify!($field)) {
                    record.$field = self.$field;
                })+
            }
        }
    };
}

fn covers(path: &str, field: &str) -> bool {
    let below = field.strip_prefix(path);
    path == "*" || below.is_some_and(|below| below.is_empty() || below.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    static UPDATABLE: [&str; 4] = ["name", "name_kana", "value.minor_units", "value.currency"];

    fn read(paths: &[&str]) -> Result<Mask> {
        let paths = paths.iter().map(|path| (*path).into()).collect();
        Mask::new(Some(&FieldMask { paths }), &UPDATABLE)
    }

    #[test]
    fn a_mask_has_what_it_names() {
        let mask = read(&["name", "value.currency", "name"]).expect("the paths are known");

        assert_eq!(UPDATABLE.map(|path| mask.has(path)), [true, false, false, true]);
        assert!(!mask.has("state"));
    }

    #[test]
    fn a_message_stands_for_its_fields_and_a_star_for_all() {
        let value = read(&["value"]).expect("the path is known");
        let all = read(&["*"]).expect("a star is known");

        assert_eq!(UPDATABLE.map(|path| value.has(path)), [false, false, true, true]);
        assert_eq!(UPDATABLE.map(|path| all.has(path)), [true; 4]);
    }

    #[test]
    fn an_empty_mask_and_an_unknown_path_are_refused_with_the_known_ones() {
        let fields = "the fields are name, name_kana, value.minor_units, value.currency";
        let said = |mask: Result<Mask>| mask.expect_err("the mask is refused").to_string();

        assert_eq!(said(Mask::new(None, &UPDATABLE)), format!("update_mask: is empty; {fields}"));
        assert_eq!(said(read(&[])), format!("update_mask: is empty; {fields}"));
        for unknown in ["state", "", "valu", "value.", "name.first", "Name"] {
            assert_eq!(
                said(read(&["name", unknown])),
                format!("update_mask: names {unknown:?}, which cannot be updated; {fields}")
            );
        }
    }
}
