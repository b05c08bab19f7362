//! The second half of the journey: who decides, what an edit does to an approval, what it cost.

use serde_json::{Value, json};

use super::{
    APPROVE, CONNECT, Cast, GENERATE, GENERATIONS, Listener, PIECES, PROVIDERS, SUBMIT, WITHDRAW,
    WRITE, of,
};
use crate::clients::journey::text;

/// What one question costs: 100 tokens read and 20 written, at the prices of the journey.
const TOKENS: i64 = 120;
const MICROS: i64 = 100 * 3 + 20 * 15;

impl<C: Listener> Cast<C> {
    /// Nobody decides on what they submitted or wrote last, and only some on what others did.
    pub(super) fn decides(&self, piece: &Value) {
        let submitted = self.writer.call(SUBMIT, &of(piece)).unwrap();
        assert_eq!(submitted["state"], "CONTENT_PIECE_STATE_IN_REVIEW");
        for who in [&self.writer, &self.viewer] {
            let refused = who.call(APPROVE, &of(piece)).unwrap_err();
            refused.says("FORBIDDEN", "permission", "seo.contentPieces.decide");
        }
        let elsewhere = self.stranger.call(APPROVE, &of(piece)).unwrap_err();
        assert_eq!(elsewhere.reason, "NOT_FOUND");
        let reviewed = self.writer.call(WRITE, &self.text_of(piece)).unwrap_err();
        reviewed.says("BAD_TRANSITION", "state", "in_review");

        self.writer.call(WITHDRAW, &of(piece)).unwrap();
        self.manager.call(SUBMIT, &of(piece)).unwrap();
        let submitted = self.manager.call(APPROVE, &of(piece)).unwrap_err();
        submitted.says("INVALID_STATE", "cause", "own_work");

        self.manager.call(WITHDRAW, &of(piece)).unwrap();
        self.manager.call(WRITE, &self.text_of(piece)).unwrap();
        self.writer.call(SUBMIT, &of(piece)).unwrap();
        let written = self.manager.call(APPROVE, &of(piece)).unwrap_err();
        written.says("INVALID_STATE", "cause", "own_work");

        self.writer.call(WITHDRAW, &of(piece)).unwrap();
        self.writer.call(WRITE, &self.text_of(piece)).unwrap();
        self.writer.call(SUBMIT, &of(piece)).unwrap();
        let approved = self.manager.call(APPROVE, &of(piece)).unwrap();
        assert_eq!(approved["state"], "CONTENT_PIECE_STATE_APPROVED");
        assert_eq!(approved["versionNumber"], 4);
        assert_eq!(approved["submittedBy"], approved["editedBy"]);
        assert_ne!(approved["decidedBy"], approved["submittedBy"]);
    }

    /// An approval is of one version: with the next there is none.
    pub(super) fn takes_an_approval_back(&self, piece: &Value) {
        let elsewhere = self.stranger.call(WRITE, &self.text_of(piece)).unwrap_err();
        assert_eq!(elsewhere.reason, "NOT_FOUND");
        assert_eq!(self.read(piece)["state"], "CONTENT_PIECE_STATE_APPROVED");

        let written = self.writer.call(WRITE, &self.text_of(piece)).unwrap();

        assert_eq!(written["number"], 5);
        assert_eq!(self.read(piece)["state"], "CONTENT_PIECE_STATE_DRAFT");
        let undecided = self.manager.call(APPROVE, &of(piece)).unwrap_err();
        undecided.says("BAD_TRANSITION", "state", "draft");
    }

    /// What the month still holds is less than a question may take.
    pub(super) fn spends_the_budget(&self, piece: &Value) {
        let budget = json!({
            "aiProvider": { "monthlyTokenBudget": "1" }, "updateMask": "monthlyTokenBudget",
        });
        self.ceo.call(CONNECT, &budget).unwrap();
        let before = self.read(piece);

        let (heard, refused) = self.writer.follow(GENERATE, &of(piece));

        refused.unwrap().says("PLAN_LIMIT", "cause", "ai_budget");
        let id = &heard[0]["started"]["generation"]["generationId"];
        let after = self.read(piece);
        for same in ["state", "versionNumber", "score", "editedBy", "allowedActions"] {
            assert_eq!(after[same], before[same], "{same}");
        }
        let get = (GENERATIONS, "GetGeneration");
        let tried = self.writer.call(get, &json!({ "generationId": id })).unwrap();
        assert_eq!(tried["state"], "GENERATION_STATE_FAILED");
        assert_eq!(
            (&tried["failure"], &tried["failureMessage"]),
            (&json!("ai_budget"), &after["generationFailure"])
        );
        let elsewhere = self.stranger.call(get, &json!({ "generationId": id })).unwrap_err();
        assert_eq!(elsewhere.reason, "NOT_FOUND");
    }

    /// Every question with its cost, and their sum; what was never asked costs nothing.
    pub(super) fn accounts(&self, drafted: &Value) {
        let list = (PROVIDERS, "ListAiUsage");
        let spending = (PROVIDERS, "GetAiSpending");

        let listed = self.ceo.call(list, &json!({})).unwrap();
        let usages = listed["usages"].as_array().unwrap();
        let steps: Vec<_> = usages.iter().map(|usage| text(&usage["step"])).collect();
        assert_eq!(
            steps,
            ["CHECK", "DRAFT", "OUTLINE", "PROBE"].map(|step| format!("AI_STEP_{step}"))
        );
        for usage in usages {
            assert_eq!(usage["state"], "AI_USAGE_STATE_SUCCEEDED");
            assert_eq!(
                (number(&usage["costMicros"]), &usage["currencyCode"]),
                (MICROS, &json!("USD"))
            );
        }
        let generation = &drafted["generation"];
        for usage in &usages[..3] {
            assert_eq!(usage["generationId"], generation["generationId"]);
            assert_eq!(usage["personId"], generation["askedBy"]);
        }
        assert_eq!(number(&generation["costMicros"]), 3 * MICROS);

        let spent = self.ceo.call(spending, &json!({})).unwrap();
        assert_eq!(number(&spent["tokens"]), 4 * TOKENS);
        assert_eq!(number(&spent["costMicros"]), 4 * MICROS);
        assert_eq!((&spent["currencyCode"], &spent["tokenBudget"]), (&json!("USD"), &json!("1")));

        for method in [list, spending] {
            let refused = self.manager.call(method, &json!({})).unwrap_err();
            refused.says("FORBIDDEN", "permission", "administration.aiUsage.read");
        }
        let elsewhere = self.stranger.call(list, &json!({})).unwrap();
        assert_eq!(elsewhere["usages"], Value::Null);
        let elsewhere = self.stranger.call(spending, &json!({})).unwrap();
        assert_eq!((number(&elsewhere["tokens"]), number(&elsewhere["costMicros"])), (0, 0));
    }

    /// The newest text once more, as a request to write it.
    fn text_of(&self, piece: &Value) -> Value {
        let version = self.writer.call((PIECES, "GetContentVersion"), &of(piece)).unwrap();
        json!({ "contentPieceId": piece["contentPieceId"], "content": version["content"] })
    }
}

/// JSON writes numbers of 64 bits as text, and leaves zeros out.
fn number(value: &Value) -> i64 {
    value.as_str().map_or(0, |digits| digits.parse().unwrap())
}
