//! Addresses in a text: which of them lead to the site or to a source.

use super::Removed;

/// The places that a text may point to.
pub(in crate::generation) struct Allowed<'a> {
    base_url: &'a str,
    exact: Vec<&'a str>,
}

impl<'a> Allowed<'a> {
    /// The site, all below it, and these.
    pub(in crate::generation) const fn new(base_url: &'a str, exact: Vec<&'a str>) -> Self {
        Self { base_url, exact }
    }

    /// Whether a link may lead there.
    pub(in crate::generation) fn has(&self, url: &str) -> bool {
        // Browsers read a backslash as a slash, and leave tabs and line ends out.
        if url.chars().any(|c| c == '\\' || c.is_whitespace() || c.is_control()) {
            return false;
        }
        let relative = url.starts_with('/') && !url.starts_with("//") || url.starts_with('#');
        relative || self.exact.contains(&url) || self.is_below(url)
    }

    fn is_below(&self, url: &str) -> bool {
        let base = self.base_url.trim_end_matches('/');
        let rest = url.strip_prefix(base);
        !base.is_empty()
            && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
    }
}

/// Schemes that need no `//` to do harm.
const SHORT: [&str; 5] = ["javascript:", "data:", "vbscript:", "file:", "blob:"];

/// Whether somebody could take these words for an address.
pub(super) fn looks_like_one(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    text.contains("://")
        || text.starts_with("//")
        || text.starts_with("\\\\")
        || text.contains("www.")
        || SHORT.iter().any(|scheme| text.contains(scheme))
}

/// The text without addresses that are not allowed: some who show it make links of them by themselves.
pub(super) fn without_foreign(text: &str, allowed: &Allowed<'_>, removed: &mut Removed) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, end)) = next(rest) {
        let (before, url) = (&rest[..start], &rest[start..end]);
        kept.push_str(before);
        // The stop that ends a sentence is no part of the address before it.
        let bare = url.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', '_', '`']);
        if allowed.has(bare) {
            kept.push_str(url);
        } else {
            removed.push(bare.to_owned());
            kept.push_str(&url[bare.len()..]);
        }
        rest = &rest[end..];
    }
    kept.push_str(rest);
    kept
}

/// Where the next address begins and ends.
fn next(text: &str) -> Option<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    let full = lower.find("://").map(|at| scheme_start(&lower, at));
    let bare = lower
        .match_indices("www.")
        .map(|(at, _)| at)
        .find(|at| !lower[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '/' || c == '.'));
    let start = match (full, bare) {
        (Some(full), Some(bare)) => full.min(bare),
        (full, bare) => full.or(bare)?,
    };
    let after = &text[start..];
    let ends = |c: char| c.is_whitespace() || "<>()[]{}\"'|^".contains(c);
    let length = after.find(ends).unwrap_or(after.len());
    // An address of nothing but `://` would be looked at for ever.
    Some((start, start + length.max(1)))
}

/// Where the scheme before `://` begins.
fn scheme_start(text: &str, at: usize) -> usize {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
    text[..at]
        .rfind(|c: char| !is_scheme(c))
        .map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Allowed<'static> {
        Allowed::new("https://north.example/", vec!["https://law.example/act"])
    }

    #[test]
    fn the_site_and_the_sources_are_allowed_and_whatever_only_looks_like_them_is_not() {
        for fine in [
            "/prices",
            "#top",
            "https://north.example",
            "https://north.example/a?b#c",
            "https://law.example/act",
        ] {
            assert!(allowed().has(fine), "{fine}");
        }
        for foreign in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "https://north.example.evil/",
            "https://north.example@evil.example/",
            "https://north.example:8443/",
            "http://north.example/",
            "HTTPS://evil.example",
            "https://law.example/act/more",
            "javascript:alert(1)",
            "data:text/html,x",
            "mailto:a@evil.example",
        ] {
            assert!(!allowed().has(foreign), "{foreign}");
        }
    }

    #[test]
    fn foreign_addresses_leave_and_the_stop_after_them_stays() {
        let mut removed = Vec::new();
        let text = "(https://evil.example/a), ftp://evil.example. HTTPS://EVIL.example/? \
                    x://y WWW.evil.example, https://north.example/a. ://";

        let kept = without_foreign(text, &allowed(), &mut removed);

        assert_eq!(kept, "(), . ?  , https://north.example/a. ");
        assert_eq!(removed.len(), 6);
    }

    #[test]
    fn words_that_are_no_address_stay_as_they_are() {
        let mut removed = Vec::new();
        let text = "A/B: 3 // 4, awww. größer://";

        assert_eq!(
            without_foreign("A/B: 3 // 4, awww.", &allowed(), &mut removed),
            "A/B: 3 // 4, awww."
        );
        assert!(removed.is_empty());
        assert_eq!(without_foreign(text, &allowed(), &mut removed), "A/B: 3 // 4, awww. größ");
    }
}
