//! Where an organisation's agents ask their models, as whom and for how much, and how that is edited.

mod rpc;
mod store;
mod wire;

use chrono::{DateTime, Utc};
use devsphere_egress::{Client, Refusal, Target};
use devsphere_error::{Check, Result};
use devsphere_rpc::{etag, mask::Mask};
use serde::Serialize;

pub(crate) use rpc::AiProviders;

/// Where its key lies; what is sealed for another organisation or column does not open here.
const API_KEY: &str = "administration.ai_provider.api_key";

/// So much of a key is shown, of one that is long enough to stay secret.
const HINT: usize = 4;
const HINTED: usize = 12;

/// One organisation's choice. Its JSON is what events and audit show: a flat object, so that each
/// field has its own before and after, and of the key no more than its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct AiProvider {
    /// None is the installation's.
    kind: Option<Kind>,
    base_url: String,
    model: String,
    /// Sealed.
    #[serde(skip)]
    api_key: Option<Vec<u8>>,
    api_key_hint: String,
    #[serde(rename = "prices.currency_code")]
    currency_code: String,
    #[serde(rename = "prices.input_micros")]
    input_micros: i64,
    #[serde(rename = "prices.output_micros")]
    output_micros: i64,
    #[serde(rename = "prices.cache_read_micros")]
    cache_read_micros: i64,
    #[serde(rename = "prices.cache_write_micros")]
    cache_write_micros: i64,
    monthly_token_budget: i64,
    monthly_cost_budget_micros: i64,
    /// None as long as nobody changed anything.
    #[serde(skip)]
    update_time: Option<DateTime<Utc>>,
    #[serde(skip)]
    version: i64,
}

/// The format that a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
enum Kind {
    Anthropic,
    Openai,
}

/// What an update writes, over which version.
struct Edit {
    etag: String,
    mask: Mask,
    content: AiProvider,
    /// As it was sent; sealed before it is written.
    api_key: String,
}

macro_rules! editable {
    ($($path:literal => $field:ident),+ $(,)?) => {
        impl Edit {
            const FIELDS: &[&str] = &["api_key", $($path),+];

            /// Everything that the mask names but the key.
            fn write(&self, edited: &mut AiProvider) {
                $(if self.mask.has($path) {
                    edited.$field.clone_from(&self.content.$field);
                })+
            }
        }
    };
}

editable! {
    "kind" => kind,
    "base_url" => base_url,
    "model" => model,
    "prices.currency_code" => currency_code,
    "prices.input_micros" => input_micros,
    "prices.output_micros" => output_micros,
    "prices.cache_read_micros" => cache_read_micros,
    "prices.cache_write_micros" => cache_write_micros,
    "monthly_token_budget" => monthly_token_budget,
    "monthly_cost_budget_micros" => monthly_cost_budget_micros,
}

impl Edit {
    /// The provider as it would be, if it can be reached; `seal` makes of a key what may be kept.
    fn apply(
        &self,
        before: &AiProvider,
        client: &Client,
        seal: impl FnOnce(&str) -> Result<Vec<u8>>,
    ) -> Result<AiProvider> {
        etag::check(&self.etag, before.version)?;
        let mut edited = before.clone();
        self.write(&mut edited);
        edited.check(client)?;
        let moved = edited.kind != before.kind || edited.base_url != before.base_url;
        if self.mask.has("api_key") && !self.api_key.is_empty() {
            edited.api_key = Some(seal(&self.api_key)?);
            edited.api_key_hint = hint(&self.api_key);
        } else if self.mask.has("api_key") || moved {
            // A key is never sent to another address than the one that it was given for.
            edited.api_key = None;
            edited.api_key_hint.clear();
        }
        Ok(edited)
    }
}

impl AiProvider {
    /// Refuses what could not work, all at once.
    fn check(&self, client: &Client) -> Result<()> {
        let mut check = Check::default();
        if self.kind.is_some() && self.model.is_empty() {
            check.note("ai_provider.model", "is needed: which model of this provider?");
        }
        if self.kind.is_none() && !self.base_url.is_empty() {
            check.note("ai_provider.kind", "is needed: which format does this address speak?");
        }
        if !self.base_url.is_empty() {
            let target = Target::parse(&self.base_url);
            if let Err(refusal) = target.and_then(|target| client.admits(&target)) {
                check.note("ai_provider.base_url", words(refusal));
            }
        }
        if self.monthly_cost_budget_micros > 0 && self.currency_code.is_empty() {
            let why = "is needed for a budget in money: what do a million tokens cost?";
            check.note("ai_provider.prices.currency_code", why);
        }
        check.done()
    }
}

/// Why an address is not called, and what to do about it.
fn words(refusal: Refusal) -> String {
    match refusal {
        Refusal::Address | Refusal::LocalName | Refusal::Plain | Refusal::Port => {
            format!("{refusal}; whoever runs the installation can open it with --allow-private")
        }
        other => other.to_string(),
    }
}

/// The end of a key, for people who have several.
fn hint(key: &str) -> String {
    let characters = key.chars().count();
    let shown = if characters >= HINTED { HINT } else { 0 };
    let end: String = key.chars().skip(characters - shown).collect();
    format!("…{end}")
}

#[cfg(test)]
mod tests {
    use devsphere_egress::Policy;
    use devsphere_error::Error;
    use prost_types::FieldMask;

    use super::*;

    fn client() -> Client {
        Client::new(Policy::default()).unwrap()
    }

    fn before() -> AiProvider {
        AiProvider {
            kind: Some(Kind::Openai),
            base_url: "https://models.example/v1".into(),
            model: "model-1".into(),
            api_key: Some(b"sealed".to_vec()),
            api_key_hint: "…cret".into(),
            version: 3,
            ..AiProvider::default()
        }
    }

    fn edit(paths: &[&str], content: AiProvider, api_key: &str) -> Edit {
        let paths = paths.iter().map(|path| (*path).into()).collect();
        let mask = Mask::new(Some(&FieldMask { paths }), Edit::FIELDS).unwrap();
        Edit { etag: String::new(), mask, content, api_key: api_key.into() }
    }

    fn applied(edit: &Edit) -> Result<AiProvider> {
        edit.apply(&before(), &client(), |key| Ok(format!("sealed {key}").into_bytes()))
    }

    #[test]
    fn a_key_goes_with_its_address_and_stays_where_that_stays() {
        let moved = AiProvider { base_url: "https://evil.example".into(), ..before() };
        let renamed = AiProvider { model: "model-2".into(), ..before() };
        let anthropic = AiProvider { kind: Some(Kind::Anthropic), ..before() };

        assert_eq!(applied(&edit(&["base_url"], moved.clone(), "")).unwrap().api_key, None);
        assert_eq!(applied(&edit(&["kind"], anthropic, "")).unwrap().api_key, None);
        assert_eq!(applied(&edit(&["model"], renamed, "")).unwrap().api_key, before().api_key);
        let anew = applied(&edit(&["base_url", "api_key"], moved, "sk-another-key")).unwrap();
        assert_eq!(anew.api_key.as_deref(), Some(&b"sealed sk-another-key"[..]));
        assert_eq!(anew.api_key_hint, "…-key");
        let forgotten = applied(&edit(&["api_key"], before(), "")).unwrap();
        assert_eq!((forgotten.api_key, &*forgotten.api_key_hint), (None, ""));
    }

    #[test]
    fn everything_that_could_not_work_is_told_at_once() {
        let wrong = AiProvider {
            kind: Some(Kind::Openai),
            base_url: "http://127.0.0.1:11434/v1".into(),
            monthly_cost_budget_micros: 1,
            ..AiProvider::default()
        };

        let Err(Error::Invalid(violations)) = applied(&edit(&["*"], wrong, "")) else {
            panic!("taken")
        };

        let fields: Vec<_> = violations.iter().map(|violation| &*violation.field).collect();
        let expected =
            ["ai_provider.model", "ai_provider.base_url", "ai_provider.prices.currency_code"];
        assert_eq!(fields, expected);
        assert!(violations[1].description.contains("--allow-private"));
    }

    #[test]
    fn a_short_key_shows_nothing_of_itself() {
        assert_eq!(hint("short"), "…");
        assert_eq!(hint("sk-0123456789"), "…6789");
    }

    #[test]
    fn each_field_stands_by_its_path_in_the_audit_and_the_key_by_its_hint() {
        let shown = serde_json::to_value(before()).unwrap();
        let shown: std::collections::BTreeSet<_> =
            shown.as_object().unwrap().keys().map(String::as_str).collect();
        let mut paths: std::collections::BTreeSet<_> = Edit::FIELDS.iter().copied().collect();
        paths.remove("api_key");
        paths.insert("api_key_hint");

        assert_eq!(shown, paths);
    }
}
