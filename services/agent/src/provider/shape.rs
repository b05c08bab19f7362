//! What a request may hold: models and servers differ, and say so with a 400 that costs nothing.

use super::Question;

/// What is sent beside the question itself, until the provider does not take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// The model must call the tool. Models that always think first refuse to be forced.
    pub(super) is_forced: bool,
    /// Newer models have no temperature.
    pub(super) has_temperature: bool,
    /// Asks for usage in a stream; some servers know no such option.
    pub(super) has_stream_options: bool,
    /// The limit's older name, which local servers know and newer models of `OpenAI` refuse.
    pub(super) has_max_tokens: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            is_forced: true,
            has_temperature: true,
            has_stream_options: true,
            has_max_tokens: true,
        }
    }
}

impl Shape {
    /// The same without what the provider's objection names; nothing where it names nothing of ours.
    pub(super) fn without(self, objection: &str, question: &Question) -> Option<Self> {
        let objection = objection.to_ascii_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| objection.contains(word));
        let forced = ["tool_choice", "tool choice", "forced tool", "forces tool"];
        if self.is_forced && question.tool.is_some() && names(&forced) {
            Some(Self { is_forced: false, ..self })
        } else if self.has_temperature && question.temperature.is_some() && names(&["temperature"])
        {
            Some(Self { has_temperature: false, ..self })
        } else if self.has_stream_options && names(&["stream_options", "include_usage"]) {
            Some(Self { has_stream_options: false, ..self })
        } else if self.has_max_tokens && names(&["max_completion_tokens"]) {
            Some(Self { has_max_tokens: false, ..self })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::Tool;

    #[test]
    fn each_thing_is_left_out_once_and_only_if_it_was_there() {
        let mut question = Question {
            model: "m".into(),
            system: String::new(),
            messages: Vec::new(),
            tool: None,
            max_output_tokens: 1,
            temperature: None,
        };
        let shape = Shape::default();
        assert_eq!(shape.without("temperature is deprecated", &question), None);
        assert_eq!(shape.without("tool_choice: not supported", &question), None);
        assert_eq!(shape.without("messages: too many", &question), None);

        question.temperature = Some(0.5);
        question.tool =
            Some(Tool { name: "t".into(), description: String::new(), schema: json!({}) });
        let mut left = shape;
        for objection in [
            "Thinking may not be enabled when tool_choice forces tool use.",
            "`temperature` is deprecated for this model.",
            "Unknown field: stream_options",
            "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
        ] {
            let fewer = left.without(objection, &question).unwrap();
            assert_eq!(fewer.without(objection, &question), None, "{objection}");
            left = fewer;
        }
    }
}
