//! Between the contract's words and the domain's. `admit` has applied the rules of the contract.

use devsphere_auth::Caller;
use devsphere_error::{Error, Result};
use devsphere_proto::administration::v1 as pb;
use devsphere_rpc::{etag, mask::Mask, time::timestamp};

use super::{AiProvider, Edit, Kind};

/// A provider to edit, or to check only.
pub(super) struct Update {
    pub(super) edit: Edit,
    pub(super) validate_only: bool,
}

/// The provider as this caller is shown it: without its key.
pub(super) fn shown(
    provider: AiProvider,
    caller: &Caller,
    instance_offers: bool,
) -> pb::AiProvider {
    let may_update =
        caller.permissions().names().any(|name| name == "administration.aiProvider.update");
    let actions: &[&str] = if may_update { &["update", "probe"] } else { &[] };
    pb::AiProvider {
        kind: kind(provider.kind).into(),
        prices: Some(prices(&provider)),
        base_url: provider.base_url,
        model: provider.model,
        api_key: String::new(),
        api_key_hint: provider.api_key_hint,
        monthly_token_budget: provider.monthly_token_budget,
        monthly_cost_budget_micros: provider.monthly_cost_budget_micros,
        instance_offers,
        update_time: provider.update_time.map(timestamp),
        etag: etag::of(provider.version),
        allowed_actions: actions.iter().map(|action| (*action).to_owned()).collect(),
    }
}

/// The provider as the agent service is told it.
pub(super) fn connection(provider: AiProvider, api_key: String) -> pb::AiConnection {
    pb::AiConnection {
        kind: kind(provider.kind).into(),
        prices: Some(prices(&provider)),
        base_url: provider.base_url,
        model: provider.model,
        api_key,
        monthly_token_budget: provider.monthly_token_budget,
        monthly_cost_budget_micros: provider.monthly_cost_budget_micros,
    }
}

fn prices(provider: &AiProvider) -> pb::AiPrices {
    pb::AiPrices {
        currency_code: provider.currency_code.clone(),
        input_micros: provider.input_micros,
        output_micros: provider.output_micros,
        cache_read_micros: provider.cache_read_micros,
        cache_write_micros: provider.cache_write_micros,
    }
}

const fn kind(kind: Option<Kind>) -> pb::AiProviderKind {
    match kind {
        None => pb::AiProviderKind::Unspecified,
        Some(Kind::Anthropic) => pb::AiProviderKind::Anthropic,
        Some(Kind::Openai) => pb::AiProviderKind::Openai,
    }
}

impl TryFrom<pb::UpdateAiProviderRequest> for Update {
    type Error = Error;

    fn try_from(request: pb::UpdateAiProviderRequest) -> Result<Self> {
        let provider = request.ai_provider.unwrap_or_default();
        let kind = match provider.kind() {
            pb::AiProviderKind::Unspecified => None,
            pb::AiProviderKind::Anthropic => Some(Kind::Anthropic),
            pb::AiProviderKind::Openai => Some(Kind::Openai),
        };
        let prices = provider.prices.unwrap_or_default();
        let content = AiProvider {
            kind,
            base_url: provider.base_url,
            model: provider.model,
            currency_code: prices.currency_code,
            input_micros: prices.input_micros,
            output_micros: prices.output_micros,
            cache_read_micros: prices.cache_read_micros,
            cache_write_micros: prices.cache_write_micros,
            monthly_token_budget: provider.monthly_token_budget,
            monthly_cost_budget_micros: provider.monthly_cost_budget_micros,
            ..AiProvider::default()
        };
        let mask = Mask::new(request.update_mask.as_ref(), Edit::FIELDS)?;
        let edit = Edit { etag: provider.etag, mask, content, api_key: provider.api_key };
        Ok(Self { edit, validate_only: request.validate_only })
    }
}
