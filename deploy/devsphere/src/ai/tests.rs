//! What the flags come to, and what is refused.

use std::{fs, os::unix::fs::PermissionsExt as _};

use clap::Parser;
use devsphere_proto::administration::v1::AiPrices;
use uuid::Uuid;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    flags: Flags,
}

fn parse(flags: &str) -> Result<Flags, clap::Error> {
    let words = ["line"].into_iter().chain(flags.split_whitespace());
    Line::try_parse_from(words).map(|line| line.flags)
}

fn flags(text: &str) -> Flags {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A file with that text and mode, gone with the value.
struct File(PathBuf);

impl File {
    fn new(text: &str, mode: u32) -> Self {
        let path = std::env::temp_dir().join(format!("devsphere-key-{}", Uuid::new_v4()));
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Left behind, it only costs space.
        let _ = fs::remove_file(&self.0);
    }
}

/// What `up` would end with.
fn refusal(flags: &Flags) -> String {
    let error = flags.outside(true).err().unwrap();
    assert!(error.is::<BadConfig>(), "{error:?}");
    error.to_string()
}

#[test]
fn without_a_word_nothing_is_offered_and_nothing_private_is_reached() {
    let outside = flags("").outside(true).unwrap();

    assert!(outside.policy.allow_private.is_empty() && outside.offered.is_none());
}

#[test]
fn agent_is_told_everything_administration_all_but_the_key_and_the_others_nothing() {
    let file = File::new("sk-secret\n", 0o600);
    let line = format!(
        "--ai-provider openai --ai-url http://127.0.0.1:11434/v1 --ai-model llama3 --ai-key-file {} \
         --ai-prices USD:3:15 --allow-private 127.0.0.1:11434,10.0.0.0/8",
        file.0.display()
    );
    let outside = flags(&line).outside(true).unwrap();

    let (policy, agent) = outside.told("agent");
    let agent = agent.unwrap();
    assert_eq!(policy.allow_private.len(), 2);
    let prices = AiPrices {
        currency_code: "USD".into(),
        input_micros: 3_000_000,
        output_micros: 15_000_000,
        ..AiPrices::default()
    };
    assert_eq!(
        agent,
        AiConnection {
            kind: AiProviderKind::Openai.into(),
            base_url: "http://127.0.0.1:11434/v1".into(),
            model: "llama3".into(),
            api_key: "sk-secret".into(),
            prices: Some(prices),
            ..AiConnection::default()
        }
    );
    let (policy, administration) = outside.told("administration");
    assert_eq!(policy.allow_private.len(), 2);
    assert_eq!(administration.unwrap(), AiConnection { api_key: String::new(), ..agent });
    for other in ["identity", "crm", "seo"] {
        let (policy, offered) = outside.told(other);
        assert!(policy.allow_private.is_empty() && offered.is_none(), "{other}");
    }
}

#[test]
fn each_format_is_at_home_somewhere() {
    for (format, url) in
        [("anthropic", "https://api.anthropic.com"), ("openai", "https://api.openai.com/v1")]
    {
        let offered = flags(&format!("--ai-provider {format} --ai-model m")).offered(true).unwrap();

        assert_eq!(offered.unwrap().base_url, url);
    }
}

#[test]
fn a_process_that_does_not_ask_needs_no_key() {
    let line = "--ai-provider anthropic --ai-model m --ai-key-file /nowhere/key";

    let outside = flags(line).outside(false).unwrap();

    assert_eq!(outside.told("administration").1.unwrap().model, "m");
    assert_eq!(refusal(&flags(line)), "--ai-key-file: /nowhere/key is missing");
}

#[test]
fn a_key_that_others_could_read_or_that_is_none_is_refused() {
    let line = |file: &File| {
        flags(&format!("--ai-provider anthropic --ai-model m --ai-key-file {}", file.0.display()))
    };
    for mode in [0o644, 0o604, 0o660, 0o601] {
        let said = refusal(&line(&File::new("sk-secret", mode)));
        assert!(said.contains(&format!("has mode {mode:o}, which lets others in")), "{said}");
        assert!(!said.contains("sk-secret"), "{said}");
    }
    assert!(refusal(&line(&File::new("\n", 0o600))).contains("is empty"));
    let said = refusal(&line(&File::new("sk-\u{7}secret", 0o600)));
    assert!(said.starts_with("--ai-key-file: ") && said.contains("no key has"), "{said}");
    assert!(line(&File::new("sk-secret", 0o400)).outside(true).is_ok());
}

#[test]
fn an_address_that_is_not_called_is_refused_with_what_opens_it() {
    for (url, said) in [
        ("http://127.0.0.1:11434/v1", "add --allow-private 127.0.0.1:11434"),
        ("http://[::1]:11434/v1", "add --allow-private [::1]:11434"),
        ("https://10.1.2.3", "add --allow-private 10.1.2.3:443"),
        ("http://localhost/v1", "add --allow-private localhost:80"),
        ("https://models.example.com:8443", "add --allow-private models.example.com:8443"),
        ("http://api.example.com", "write https://, or for a server of your own add"),
        ("http://169.254.169.254", "no --allow-private opens this one"),
        ("ftp://127.0.0.1", "no --allow-private opens this one"),
        ("https://a:b@127.0.0.1", "no --allow-private opens this one"),
    ] {
        let line = format!("--ai-provider openai --ai-model m --ai-url {url}");

        let refused = refusal(&flags(&line));
        assert!(refused.starts_with("--ai-url ") && refused.contains(said), "{refused}");
        if let Some((_, place)) = said.split_once("add --allow-private ") {
            let mended = flags(&format!("{line} --allow-private {place}")).outside(true);
            assert!(mended.is_ok(), "{url} is not opened by {place}");
        }
    }
}

#[test]
fn half_a_provider_is_none() {
    for bad in [
        "--ai-provider anthropic",
        "--ai-model m",
        "--ai-provider anthropic --ai-model ü",
        "--ai-provider gemini --ai-model m",
        "--ai-url https://a.example",
        "--ai-key-file /key",
        "--ai-prices USD:3:15",
        "--ai-provider anthropic --ai-model m --ai-prices 3:15",
        "--allow-private 127.1",
        "--allow-private http://127.0.0.1",
    ] {
        assert!(parse(bad).is_err_and(|error| error.use_stderr()), "{bad}");
    }
}
