//! The provider of models that is offered: one small question, and what to do where nobody answers it.

use std::time::{Duration, Instant};

use devsphere_agent::provider::{Cause, Message, Provider, Question, Role};
use devsphere_egress::Client;
use devsphere_proto::administration::v1::AiConnection;

use super::Fault;
use crate::{ai, out};

/// For the whole of it, however often it is asked.
const DEADLINE: Duration = Duration::from_secs(20);
/// A word or two; they are paid for.
const TOKENS: u32 = 16;

/// Asks the provider that the flags offer.
pub(super) async fn answers(flags: &ai::Flags) -> Result<String, Fault> {
    let offered = flags.offered(true).map_err(|error| {
        Fault::new(out::whole(&error), "put the provider's key there, for nobody else to read")
    })?;
    let Some(offered) = offered else {
        return Ok(
            "none is offered by these flags; --ai-provider and --ai-model offer one, and an \
                   organisation connects its own by UpdateAiProvider (PATCH /api/v1/aiProvider)"
                .into(),
        );
    };
    let client = Client::new(flags.policy());
    let client = client.map_err(|error| Fault::new(error, "mend --allow-private"))?;
    let begun = Instant::now();
    let asked = async {
        let provider = Provider::new(ai::connection(&offered), &client)?;
        provider.ask(&question(&offered.model), begun + DEADLINE, &mut |_| {}).await
    };
    let model = match asked.await {
        Ok(reply) => reply.model,
        // It wrote more than we wanted to pay for, so it writes.
        Err(failure) if failure.cause == Cause::TooLong => offered.model,
        Err(failure) => {
            let what = format!("{} at {}: {failure}", offered.model, offered.base_url);
            return Err(Fault::new(what, remedy(&failure.cause, &offered, flags)));
        }
    };
    Ok(format!("{model} answers after {} ms", begun.elapsed().as_millis()))
}

fn question(model: &str) -> Question {
    Question {
        model: model.to_owned(),
        system: "You answer in one word.".into(),
        messages: vec![Message { role: Role::User, text: "Are you there?".into() }],
        tool: None,
        max_output_tokens: TOKENS,
        temperature: None,
    }
}

fn remedy(cause: &Cause, offered: &AiConnection, flags: &ai::Flags) -> String {
    match cause {
        Cause::Unauthorized { .. } => match flags.key_file() {
            None => "give its key in a file of mode 0600: --ai-key-file".into(),
            Some(file) => format!("put a key that the provider knows into {}", file.display()),
        },
        Cause::OutOfCredit { .. } => "pay for the provider's account, or raise its limit".into(),
        Cause::UnknownModel { .. } => {
            "name a model that it has: --ai-model; an Ollama fetches one by `ollama pull`".into()
        }
        Cause::RateLimited { .. } | Cause::Overloaded { .. } => {
            "wait, and ask again; the provider's log or status page says more".into()
        }
        Cause::Unreachable => "start the server, or mend --ai-url; a firewall, a name that is not \
                               found or a certificate that nobody vouches for looks the same"
            .into(),
        Cause::TimedOut => {
            "ask again, since a model that was just loaded is faster; else take a smaller one"
                .into()
        }
        Cause::Rejected { .. } | Cause::Cut | Cause::Malformed(_) => {
            "look whether --ai-url leads to a server of the format that --ai-provider names; most \
             of OpenAI's end with /v1"
                .into()
        }
        Cause::TooLong | Cause::Declined => "take another model: --ai-model".into(),
        Cause::Blocked(refusal) => ai::opening(*refusal, &offered.base_url),
    }
}
