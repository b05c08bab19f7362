//! Addresses of the web, each written in one way.

use url::Url;

/// The longest address of a page, as the contract has it.
const LONGEST: usize = 2000;

/// Where a site begins: `https://lindqvist.example`, without a slash after it.
pub(crate) fn origin(text: &str) -> Result<String, &'static str> {
    let url = read(text)?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if bare { Ok(of(&url)) } else { Err("must end after its host and port") }
}

/// A page, with what an address may not hold written as addresses write it.
pub(crate) fn page(text: &str) -> Result<String, &'static str> {
    let page = String::from(read(text)?);
    if page.len() <= LONGEST { Ok(page) } else { Err("is too long once it is written out") }
}

/// Where the site begins that the page lies on; none for no page.
pub(crate) fn origin_of(page: &str) -> Option<String> {
    Url::parse(page).ok().as_ref().map(of)
}

fn read(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is no address of the web")?;
    match (url.scheme(), url.username(), url.password()) {
        ("http" | "https", "", None) => Ok(url),
        _ => Err("must begin with http:// or https://, and name nobody"),
    }
}

fn of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_spelling() {
        for (text, spelled) in [
            ("https://lindqvist.example", "https://lindqvist.example"),
            ("HTTPS://Lindqvist.Example/", "https://lindqvist.example"),
            ("https://lindqvist.example:443", "https://lindqvist.example"),
            ("http://lindqvist.example:8080/", "http://lindqvist.example:8080"),
            ("https://möbel.example", "https://xn--mbel-5qa.example"),
            ("http://[2001:DB8::1]/", "http://[2001:db8::1]"),
        ] {
            assert_eq!(origin(text).as_deref(), Ok(spelled), "{text}");
            assert_eq!(origin(spelled).as_deref(), Ok(spelled));
        }
    }

    #[test]
    fn more_than_an_origin_is_refused() {
        for text in [
            "https://lindqvist.example/shop",
            "https://lindqvist.example?",
            "https://lindqvist.example/#top",
            "https://maria@lindqvist.example",
            "https://maria:secret@lindqvist.example",
            "ftp://lindqvist.example",
            "https://",
            "https://a b.example",
            "lindqvist.example",
        ] {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_page_lies_on_its_own_origin_and_on_no_other() {
        let on = |text: &str| page(text).ok().and_then(|page| origin_of(&page));

        assert_eq!(page("https://Lindqvist.example").unwrap(), "https://lindqvist.example/");
        assert_eq!(
            page("https://lindqvist.example/a/../öl?b#c").unwrap(),
            "https://lindqvist.example/%C3%B6l?b#c"
        );
        for text in ["https://LINDQVIST.example/a", "https://lindqvist.example:443?a"] {
            assert_eq!(on(text).as_deref(), Some("https://lindqvist.example"), "{text}");
        }
        for text in [
            "https://lindqvist.example.evil.example/",
            "https://lindqvist.example:8443/",
            "http://lindqvist.example/",
        ] {
            assert_ne!(on(text).unwrap(), "https://lindqvist.example", "{text}");
        }
        assert_eq!(on("https://lindqvist.example@evil.example/"), None);
        assert_eq!(origin_of(""), None);
        assert!(page(&format!("https://lindqvist.example/{}", "ö".repeat(400))).is_err());
    }
}
