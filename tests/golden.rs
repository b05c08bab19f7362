//! The contracts and the rights as files that a review sees change. `DEVSPHERE_BLESS=1` rewrites them.

mod api;
pub(crate) mod comments;
mod permissions;
mod style;

use std::{fs, path::Path};

use devsphere_proto::Contract;

/// Lines that differ are shown so many at most.
const SHOWN: usize = 40;

#[test]
fn the_contracts_are_those_of_the_golden_file() {
    compare("api.txt", &api::text(Contract::get().unwrap()));
}

#[test]
fn the_rights_are_those_of_the_golden_file() {
    compare("permissions.txt", &permissions::text(Contract::get().unwrap()));
}

#[expect(clippy::disallowed_methods, reason = "the one switch of these tests")]
fn compare(name: &str, found: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    if std::env::var_os("DEVSPHERE_BLESS").is_some() {
        fs::write(&file, found).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    let lines = difference(&kept, found);
    assert!(
        lines.is_empty(),
        "{} is not what the code says (bless it with DEVSPHERE_BLESS=1):\n{}",
        file.display(),
        lines.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("\n"),
    );
}

/// Lines that only one of them has, each below the last line that both have.
fn difference(kept: &str, found: &str) -> Vec<String> {
    let (kept, found): (Vec<_>, Vec<_>) = (kept.lines().collect(), found.lines().collect());
    // How long a run of lines both have in common from each place on.
    let mut common = vec![vec![0_usize; found.len() + 1]; kept.len() + 1];
    for (left, right) in (0..kept.len())
        .rev()
        .flat_map(|left| (0..found.len()).rev().map(move |right| (left, right)))
    {
        common[left][right] = if kept[left] == found[right] {
            common[left + 1][right + 1] + 1
        } else {
            common[left + 1][right].max(common[left][right + 1])
        };
    }
    let (mut left, mut right, mut above) = (0, 0, None);
    let mut lines = Vec::new();
    while left < kept.len() || right < found.len() {
        if left < kept.len() && right < found.len() && kept[left] == found[right] {
            above = Some(found[right]);
            (left, right) = (left + 1, right + 1);
            continue;
        }
        lines.extend(above.take().map(|line| format!("  {line}")));
        if right == found.len()
            || (left < kept.len() && common[left + 1][right] >= common[left][right + 1])
        {
            lines.push(format!("- {}", kept[left]));
            left += 1;
        } else {
            lines.push(format!("+ {}", found[right]));
            right += 1;
        }
    }
    lines
}

#[test]
fn a_difference_shows_what_went_and_what_came_below_what_stayed() {
    assert_eq!(difference("a\nb\nc\nd", "a\nx\nc\nd\ne"), ["  a", "- b", "+ x", "  d", "+ e"]);
    assert!(difference("a\nb", "a\nb").is_empty());
}
