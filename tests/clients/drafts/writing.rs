//! The first half of the journey: no provider and then one, what an agent writes, a person's edit.

use devsphere_testkit::provider::author::CLAIM;
use serde_json::{Value, json};

use super::{APPROVE, CONNECT, Cast, GENERATE, GET, Listener, PROVIDERS, SUBMIT, WRITE, flags, of};
use crate::clients::journey::text;

impl<C: Listener> Cast<C> {
    /// A try that nobody can be asked for, and that leaves the brief as it was.
    pub(super) fn has_no_provider(&self, piece: &Value) {
        let (heard, refused) = self.writer.follow(GENERATE, &of(piece));

        refused.unwrap().says("AI_FAILED", "cause", "no_provider");
        assert_eq!(heard[0]["started"]["generation"]["state"], "GENERATION_STATE_QUEUED");
        assert!(heard.iter().all(|event| event["draft"].is_null()), "{heard:?}");
        let after = self.read(piece);
        assert_eq!((&after["state"], &after["versionNumber"]), (&piece["state"], &Value::Null));
        assert_ne!(text(&after["generationFailure"]), "");
    }

    /// The ceo alone says where the model is.
    pub(super) fn connects(&self, model: &str) {
        let connect = |base_url: &str| {
            let provider = json!({
                "kind": "AI_PROVIDER_KIND_ANTHROPIC", "baseUrl": base_url, "model": "author",
                "apiKey": "sk-of-the-north",
                "prices": { "currencyCode": "USD", "inputMicros": "3000000", "outputMicros": "15000000" },
            });
            json!({ "aiProvider": provider, "updateMask": "*" })
        };
        let check = (PROVIDERS, "ProbeAiProvider");

        let private = self.ceo.call(CONNECT, &connect("http://10.1.2.3")).unwrap_err();
        assert_eq!(private.fields, ["ai_provider.base_url"]);
        let needed = "administration.aiProvider.update";
        for (method, body) in [(CONNECT, connect(model)), (check, json!({}))] {
            let refused = self.manager.call(method, &body).unwrap_err();
            refused.says("FORBIDDEN", "permission", needed);
        }

        let connected = self.ceo.call(CONNECT, &connect(model)).unwrap();
        assert!(!connected.to_string().contains("sk-of"), "{connected}");
        let checked = self.ceo.call(check, &json!({})).unwrap();
        assert!(checked["latencyMs"].as_i64().unwrap() > 0, "{checked}");
        let elsewhere = self.stranger.call(check, &json!({})).unwrap_err();
        elsewhere.says("AI_FAILED", "cause", "no_provider");
    }

    /// What the last message of the stream says.
    pub(super) fn generates(&self, piece: &Value) -> Value {
        let mut heard = self.writer.stream(GENERATE, &of(piece)).unwrap();

        let started = heard.remove(0)["started"].take();
        assert_eq!(started["contentPiece"]["state"], "CONTENT_PIECE_STATE_GENERATING");
        let drafted = heard.pop().unwrap()["draft"].take();
        let percents: Vec<_> =
            heard.iter().map(|event| event["progress"]["percent"].as_i64().unwrap_or(0)).collect();
        assert!(percents.is_sorted() && percents.first() < percents.last(), "{percents:?}");
        let outlines: Vec<_> =
            heard.iter().filter_map(|event| event["progress"]["outline"].as_array()).collect();
        assert_eq!((outlines.len(), outlines[0].len()), (1, 2), "once: {outlines:?}");

        let version = &drafted["contentVersion"];
        assert_eq!(
            (&version["number"], &version["origin"]),
            (&json!(1), &json!("CONTENT_ORIGIN_AGENT"))
        );
        assert_eq!(flags(version), [CLAIM]);
        assert_eq!(drafted["generation"]["generationId"], started["generation"]["generationId"]);
        assert_eq!(drafted["contentPiece"], self.read(piece));
        assert_eq!(drafted["contentPiece"]["state"], "CONTENT_PIECE_STATE_DRAFT");
        drafted
    }

    /// Who may read but not write, and who must not know that there is anything.
    pub(super) fn keeps_others_out(&self, piece: &Value) {
        let before = self.read(piece);

        let (heard, refused) = self.viewer.follow(GENERATE, &of(piece));
        refused.unwrap().says("FORBIDDEN", "permission", "seo.contentPieces.generate");
        assert!(heard.is_empty(), "{heard:?}");
        assert_eq!(self.viewer.call(GET, &of(piece)).unwrap()["title"], piece["title"]);

        let (heard, refused) = self.stranger.follow(GENERATE, &of(piece));
        assert_eq!((heard, refused.unwrap().reason.as_str()), (Vec::new(), "NOT_FOUND"));
        for method in [GET, SUBMIT, APPROVE] {
            let refused = self.stranger.call(method, &of(piece)).unwrap_err();
            assert_eq!(refused.reason, "NOT_FOUND", "{method:?}");
        }
        assert_eq!(self.read(piece), before);
    }

    /// Takes out the sentence that the second reader flagged.
    pub(super) fn edits(&self, drafted: &Value) {
        let (piece, version) = (&drafted["contentPiece"], &drafted["contentVersion"]);
        let mut content = version["content"].clone();
        content["body"] = json!(text(&content["body"]).replace(CLAIM, ""));
        let mut write = of(piece);
        write["content"] = content;
        write["etag"] = piece["etag"].clone();

        let written = self.writer.call(WRITE, &write).unwrap();

        assert_eq!(
            (&written["number"], &written["origin"]),
            (&json!(2), &json!("CONTENT_ORIGIN_PERSON"))
        );
        assert_eq!(flags(&written), [""; 0]);
        assert!(written["score"].as_i64() > version["score"].as_i64(), "{written}");
        let stale = self.writer.call(WRITE, &write).unwrap_err();
        stale.says("CONFLICT", "cause", "stale_etag");
        assert_eq!(self.read(piece)["versionNumber"], 2);
    }
}
