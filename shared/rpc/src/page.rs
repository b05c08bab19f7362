//! Pages of every list (AIP-158): sizes, and tokens that hold for one query only.

use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use devsphere_db::list::PageKey;
use devsphere_error::{Error, Result};

/// What a page size of 0 means.
pub const DEFAULT_SIZE: u32 = 50;

/// The most rows on one page; larger sizes mean this.
pub const MAX_SIZE: u32 = 200;

/// The longest page token, in bytes.
pub const MAX_TOKEN: usize = 4_096;

/// The first byte of a token; a token of another layout is refused.
const VERSION: u8 = 1;

/// How many bytes of a SHA-256 a token carries.
const CHECK: usize = 16;

/// The number of rows that a `page_size` asks for.
pub fn size(page_size: i32) -> Result<u32> {
    match u32::try_from(page_size) {
        Ok(0) => Ok(DEFAULT_SIZE),
        Ok(size) => Ok(size.min(MAX_SIZE)),
        Err(_) => Err(Error::field("page_size", "must not be negative")),
    }
}

/// A list with everything that decides which rows it shows, and in which order.
///
/// A token is opaque but no secret: it holds the sort columns of a row that its holder was shown.
#[derive(Clone)]
pub struct Query(Context);

impl Query {
    /// The query of one list, by its method's or its own name; `more` is what else narrows it.
    pub fn new(
        list: &str,
        filter: &str,
        order_by: &str,
        show_deleted: bool,
        more: &[&str],
    ) -> Self {
        let mut context = Context::new(&SHA256);
        let deleted = if show_deleted { "deleted" } else { "" };
        for part in [list, filter, order_by, deleted].iter().chain(more) {
            // With its length, so that no two queries run together into the same bytes.
            context.update(&part.len().to_be_bytes());
            context.update(part.as_bytes());
        }
        Self(context)
    }

    /// The `next_page_token` for where a page ended; empty after the last page.
    pub fn token(&self, next: Option<&PageKey>) -> Result<String> {
        let Some(key) = next else { return Ok(String::new()) };
        let key = written(key);
        let token = [&[VERSION], self.check(&key).as_slice(), &key].concat();
        let token = URL_SAFE_NO_PAD.encode(token);
        if token.len() > MAX_TOKEN {
            return Err(Error::field("order_by", "is over texts too long to page by"));
        }
        Ok(token)
    }

    /// Where the page of a `page_token` begins; none for an empty one.
    pub fn key(&self, token: &str) -> Result<Option<PageKey>> {
        if token.is_empty() {
            return Ok(None);
        }
        self.open(token).map(Some).ok_or_else(PageKey::foreign)
    }

    fn open(&self, token: &str) -> Option<PageKey> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let token = URL_SAFE_NO_PAD.decode(token).ok()?;
        let token = token.strip_prefix(&[VERSION])?;
        let (check, key) = token.split_first_chunk()?;
        if *check == self.check(key) { read(key) } else { None }
    }

    /// Over query and key, so that damage shows. No secret is in it: a made-up key is possible, and
    /// shows its maker no row that the query does not show anyway.
    fn check(&self, key: &[u8]) -> [u8; CHECK] {
        let mut context = self.0.clone();
        context.update(key);
        let mut check = [0; CHECK];
        check.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
        check
    }
}

/// A byte 0 for a null; for a text a byte 1, the length and the text.
fn written(PageKey(texts): &PageKey) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        let Some(text) = text else {
            bytes.push(0);
            continue;
        };
        bytes.push(1);
        bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

fn read(mut bytes: &[u8]) -> Option<PageKey> {
    let mut texts = Vec::new();
    while let Some((tag, rest)) = bytes.split_first() {
        bytes = rest;
        if *tag == 0 {
            texts.push(None);
            continue;
        }
        let (length, rest) = bytes.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (text, rest) = rest.split_at_checked(length)?;
        texts.push(Some(str::from_utf8(text).ok()?.into()));
        bytes = rest;
    }
    Some(PageKey(texts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PageKey {
        PageKey(vec![Some("Zoë".into()), None, Some(String::new()), Some("2026-01-31".into())])
    }

    fn query() -> Query {
        Query::new("ListLeads", "state = new", "name", false, &["north"])
    }

    #[test]
    fn sizes_are_bounded() {
        assert_eq!(
            [0, 1, 200, 201, i32::MAX].map(|asked| size(asked).ok()),
            [Some(50), Some(1), Some(200), Some(200), Some(200)]
        );
        assert!(matches!(size(-1), Err(Error::Invalid(_))));
    }

    #[test]
    fn a_token_reads_back_for_its_query() {
        let token = query().token(Some(&key())).expect("the key is short");

        assert_eq!(query().key(&token).expect("the token is ours"), Some(key()));
        assert_eq!(query().key("").expect("no token is sound"), None);
        assert_eq!(query().token(None).expect("no key is sound"), "");
    }

    #[test]
    fn a_token_of_another_query_is_refused() {
        let token = query().token(Some(&key())).expect("the key is short");
        let others = [
            Query::new("ListClients", "state = new", "name", false, &["north"]),
            Query::new("ListLeads", "state = won", "name", false, &["north"]),
            Query::new("ListLeads", "state = new", "", false, &["north"]),
            Query::new("ListLeads", "state = new", "name", true, &["north"]),
            Query::new("ListLeads", "state = new", "name", false, &[]),
            Query::new("ListLeads", "state = newname", "", false, &["north"]),
            Query::new("ListLeads", "state = new", "name", false, &["nor", "th"]),
        ];

        for other in others {
            assert!(matches!(other.key(&token), Err(Error::Invalid(_))));
        }
    }

    #[test]
    fn a_damaged_token_is_refused() {
        let token = query().token(Some(&key())).expect("the key is short");
        let refused = |token: &str| matches!(query().key(token), Err(Error::Invalid(_)));

        for end in 1..token.len() {
            assert!(refused(&token[..end]));
        }
        for (at, letter) in token.char_indices() {
            let other = if letter == 'A' { "B" } else { "A" };
            assert!(refused(&[&token[..at], other, &token[at + 1..]].concat()));
        }
        for bad in ["x", "====", "AQ", "é", &"A".repeat(MAX_TOKEN + 4)] {
            assert!(refused(bad));
        }
    }

    #[test]
    fn a_token_made_up_with_the_right_check_is_read_or_refused() {
        let made_up: [&[u8]; 6] = [
            &[],
            &[1],
            &[1, 0, 0, 0],
            &[1, 0, 0, 0, 2, b'x'],
            &[1, 255, 255, 255, 255, b'x'],
            &[1, 0, 0, 0, 1, 0xff],
        ];

        let reads = made_up.map(|bytes| read(bytes).is_some());
        assert_eq!(reads, [true, false, false, false, false, false]);
    }

    #[test]
    fn a_key_too_long_for_a_token_is_refused_at_once() {
        let long = PageKey(vec![Some("x".repeat(MAX_TOKEN))]);

        assert!(matches!(query().token(Some(&long)), Err(Error::Invalid(_))));
    }
}
