//! Flags of calls out to the world: what they may reach, and which provider of models is offered.

mod prices;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use devsphere_agent::provider::{Cause, Connection, Kind, Patience, Provider};
use devsphere_egress::{Allowance, Client, Policy, Refusal, Target};
use devsphere_proto::administration::v1::{AiConnection, AiProviderKind};

use crate::{cli::BadConfig, out, secret};

use prices::Prices;

/// The service that asks models, and the only one that is told the key.
pub(crate) const ASKS: &str = "agent";
/// Looks at addresses that are set, and says whether a provider is offered.
const LOOKS: &str = "administration";

/// More characters than any model's name has; the contract takes no more.
const LONGEST_MODEL: usize = 200;

/// What services are told of the world.
#[derive(Args)]
#[group(id = "ai")]
pub(crate) struct Flags {
    /// A private place that calls out to the world may reach, as in `127.0.0.1:11434` for a model
    /// server of one's own: an address, a network or a name, with a port or without; may be given
    /// several times.
    #[arg(long, env = "DEVSPHERE_ALLOW_PRIVATE", value_name = "PLACE", value_delimiter = ',')]
    allow_private: Vec<Allowance>,
    /// Offers a provider of models to organisations without one of their own, by the format it
    /// speaks.
    #[arg(long, env = "DEVSPHERE_AI_PROVIDER", value_name = "FORMAT", requires = "ai_model")]
    ai_provider: Option<Format>,
    /// Where it is reached; by default `https://api.anthropic.com` or
    /// `https://api.openai.com/v1`.
    #[arg(long, env = "DEVSPHERE_AI_URL", value_name = "URL", requires = "ai_provider")]
    ai_url: Option<String>,
    /// The model of agents that name none, as the provider calls it.
    #[arg(
        long,
        env = "DEVSPHERE_AI_MODEL",
        value_name = "MODEL",
        requires = "ai_provider",
        value_parser = model
    )]
    ai_model: Option<String>,
    /// Holds the provider's key, and is closed to others (mode 0600); a server of one's own mostly
    /// wants none.
    #[arg(long, env = "DEVSPHERE_AI_KEY_FILE", value_name = "FILE", requires = "ai_provider")]
    ai_key_file: Option<PathBuf>,
    /// What a million tokens cost, read and written, as in `USD:3:15`; then, where they differ, read
    /// from the provider's cache and written to it, as in `USD:3:15:0.3:3.75`.
    #[arg(long, env = "DEVSPHERE_AI_PRICES", value_name = "PRICES", requires = "ai_provider")]
    ai_prices: Option<Prices>,
}

/// What a provider speaks.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Anthropic's Messages API.
    Anthropic,
    /// Chat completions as `OpenAI` made them, and many others speak: Ollama, llama.cpp, vLLM.
    #[value(name = "openai")]
    OpenAi,
}

/// What each service is told of the world. It holds a key, so nothing prints it.
#[derive(Default)]
pub(crate) struct Outside {
    policy: Policy,
    offered: Option<AiConnection>,
}

impl Flags {
    /// What the services of this process are told; the key is read only where one of them `asks`.
    pub(crate) fn outside(&self, asks: bool) -> Result<Outside> {
        let outside = Outside { policy: self.policy(), offered: self.offered(asks)? };
        if asks && let Some(offered) = &outside.offered {
            let client = Client::new(outside.policy.clone())?;
            let provider = Provider::new(connection(offered), &client);
            provider.map_err(|failure| BadConfig(refused(&failure.cause, &offered.base_url)))?;
        }
        Ok(outside)
    }

    /// What calls out may reach.
    pub(crate) fn policy(&self) -> Policy {
        Policy { allow_private: self.allow_private.clone(), ..Policy::default() }
    }

    /// The provider that is offered, if one is.
    pub(crate) fn offered(&self, with_key: bool) -> Result<Option<AiConnection>> {
        let Some((format, model)) = self.ai_provider.zip(self.ai_model.clone()) else {
            return Ok(None);
        };
        let file = self.ai_key_file.as_deref().filter(|_| with_key);
        Ok(Some(AiConnection {
            kind: format.kind().into(),
            base_url: self.ai_url.clone().unwrap_or_else(|| format.url().to_owned()),
            model,
            api_key: file.map(key).transpose()?.unwrap_or_default(),
            prices: self.ai_prices.clone().map(|Prices(prices)| prices),
            ..AiConnection::default()
        }))
    }

    /// The file with the key, if there is one.
    pub(crate) fn key_file(&self) -> Option<&Path> {
        self.ai_key_file.as_deref()
    }
}

impl Outside {
    /// Whether an organisation without a provider of its own has one.
    pub(crate) const fn offers(&self) -> bool {
        self.offered.is_some()
    }

    /// What a service is told: nothing, unless it has to do with the world.
    pub(crate) fn told(&self, service: &str) -> (Policy, Option<AiConnection>) {
        let offered = match service {
            ASKS => self.offered.clone(),
            LOOKS => self
                .offered
                .clone()
                .map(|offered| AiConnection { api_key: String::new(), ..offered }),
            _ => return (Policy::default(), None),
        };
        (self.policy.clone(), offered)
    }
}

impl Format {
    const fn kind(self) -> AiProviderKind {
        match self {
            Self::Anthropic => AiProviderKind::Anthropic,
            Self::OpenAi => AiProviderKind::Openai,
        }
    }

    /// Its maker's own.
    const fn url(self) -> &'static str {
        match self {
            Self::Anthropic => "https://api.anthropic.com",
            Self::OpenAi => "https://api.openai.com/v1",
        }
    }
}

/// How the provider that is offered is reached.
pub(crate) fn connection(offered: &AiConnection) -> Connection {
    let is_anthropic = offered.kind() == AiProviderKind::Anthropic;
    Connection {
        kind: if is_anthropic { Kind::Anthropic } else { Kind::OpenAi },
        base_url: offered.base_url.clone(),
        key: offered.api_key.clone().into(),
        patience: Patience::default(),
    }
}

/// What to do about an address that is not called.
pub(crate) fn opening(refusal: Refusal, url: &str) -> String {
    match (refusal, allowance(url)) {
        (Refusal::Plain, Some(place)) => {
            format!("write https://, or for a server of your own add --allow-private {place}")
        }
        (_, Some(place)) => format!("for a server of your own add --allow-private {place}"),
        (_, None) => "give another --ai-url: no --allow-private opens this one".into(),
    }
}

/// The one place that an address leads to, where the operator may allow it.
fn allowance(url: &str) -> Option<String> {
    let target = Target::parse(url).ok()?;
    let origin = target.to_string();
    let (scheme, host) = origin.split_once("://")?;
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    let place = match scheme {
        _ if has_port => host.to_owned(),
        "https" => format!("{host}:443"),
        _ => format!("{host}:80"),
    };
    let policy = Policy { allow_private: vec![place.parse().ok()?], ..Policy::default() };
    Client::new(policy).ok()?.admits(&target).ok()?;
    Some(place)
}

fn refused(cause: &Cause, url: &str) -> String {
    match cause {
        Cause::Blocked(refusal) => format!("--ai-url {url}: {cause}: {}", opening(*refusal, url)),
        _ => format!("--ai-key-file: {cause}"),
    }
}

fn key(file: &Path) -> Result<String> {
    let read = secret::read_closed(file);
    Ok(read.map_err(|error| BadConfig(format!("--ai-key-file: {}", out::whole(&error))))?)
}

fn model(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.is_empty() || text.len() > LONGEST_MODEL || !plain {
        return Err("is no name of a model".into());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
