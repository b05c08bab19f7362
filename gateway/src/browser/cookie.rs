//! The refresh token's cookie: no script reads it, no other site sends it.

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

/// A listed page on another site says `body` here: no cookie of ours would ever come back from it.
pub(crate) const TOKENS: HeaderName = HeaderName::from_static("devsphere-tokens");

/// As long as a session can last at most; the session's own end is what counts.
const MAX_AGE_SECONDS: u64 = 90 * 24 * 60 * 60;

/// A longer one is nothing that identity hands out.
const LONGEST: usize = 200;

/// How the cookie is written here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookies {
    /// Over https: bound to the host by its prefix.
    Secure,
    /// Over plain http on one machine, where the prefix is not allowed.
    Loopback,
}

impl Cookies {
    /// None for plain http over a network: everybody on the way would read it.
    pub(crate) fn of(public_url: &Uri) -> Option<Self> {
        let host = public_url.host()?.trim_matches(['[', ']']);
        let here = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        match public_url.scheme_str()? {
            "https" => Some(Self::Secure),
            "http" if here => Some(Self::Loopback),
            _ => None,
        }
    }

    /// The token that a browser has brought back; two of that name are worth none.
    pub(crate) fn read(self, headers: &HeaderMap) -> Option<&str> {
        let pairs = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let mut found = pairs.filter(|(name, _)| *name == self.name()).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (Some(value), None) if is_token(value) => Some(value),
            _ => None,
        }
    }

    /// Keeps a token; none if it is not fit for a cookie.
    pub(crate) fn keep(self, token: &str) -> Option<HeaderValue> {
        is_token(token).then(|| self.write(token, MAX_AGE_SECONDS)).flatten()
    }

    /// Forgets it.
    pub(crate) fn forget(self) -> Option<HeaderValue> {
        self.write("", 0)
    }

    fn write(self, token: &str, seconds: u64) -> Option<HeaderValue> {
        let (name, secure) = (self.name(), if self == Self::Secure { "; Secure" } else { "" });
        let text =
            format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Secure => "__Host-dvs_rt",
            Self::Loopback => "dvs_rt",
        }
    }
}

/// Nothing that could end the cookie's value.
fn is_token(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_cookie_on_https_and_on_this_machine_alone() {
        let of = |url: &'static str| Cookies::of(&Uri::from_static(url));
        assert_eq!(of("https://os.example.com"), Some(Cookies::Secure));
        for local in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:80"] {
            assert_eq!(of(local), Some(Cookies::Loopback), "{local}");
        }
        assert_eq!(of("http://os.example.com"), None);
        assert_eq!(of("http://192.0.2.1:8080"), None);
    }

    #[test]
    fn what_is_kept_is_read_again() {
        for cookies in [Cookies::Secure, Cookies::Loopback] {
            let kept = cookies.keep("dvs_rt_abc-9").unwrap();
            let (pair, rest) = kept.to_str().unwrap().split_once("; ").unwrap();
            assert!(rest.contains("HttpOnly; SameSite=Strict") && rest.contains("Path=/;"));
            assert_eq!(rest.contains("Secure"), cookies == Cookies::Secure);
            assert!(!rest.contains("Domain"));
            let sent = format!("a=b; {pair}; c=d");
            let headers =
                HeaderMap::from_iter([(header::COOKIE, HeaderValue::try_from(sent).unwrap())]);
            assert_eq!(cookies.read(&headers), Some("dvs_rt_abc-9"));
        }
        let forgotten = Cookies::Secure.forget().unwrap();
        assert!(forgotten.to_str().unwrap().starts_with("__Host-dvs_rt=; Path=/; Max-Age=0;"));
    }

    #[test]
    fn two_of_that_name_and_odd_values_are_none() {
        for sent in ["dvs_rt=a; dvs_rt=b", "dvs_rt=", "dvs_rt=a\"b", "__Host-dvs_rt=a", "xdvs_rt=a"]
        {
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(sent))]);
            assert_eq!(Cookies::Loopback.read(&headers), None, "{sent}");
        }
        assert_eq!(Cookies::Secure.keep("a; Domain=example.com"), None);
    }
}
