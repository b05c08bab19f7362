//! What a model may not put into a text, whoever told it to: ways out of the page.
//!
//! A text is shown to people who did not write the brief. A link, an image or a script in it could
//! carry off what stands beside it, so that only places that the task itself names are kept.

mod address;
mod markdown;

pub(super) use address::Allowed;

/// What of an answer was taken out.
pub(super) type Removed = Vec<String>;

/// What was removed as people may be shown it: where it led, without what it would have carried there.
pub(super) fn named(place: &str) -> String {
    if place.starts_with('<') {
        return "HTML".into();
    }
    let place = place.split_once("//").map_or(place, |(_, rest)| rest);
    let host = place.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    // Some who show it would make a link of it again.
    host.trim_start_matches("www.").to_owned()
}

/// Markdown without HTML, and with no way out but those that are allowed.
pub(super) fn markdown(text: &str, allowed: &Allowed<'_>, removed: &mut Removed) -> String {
    let text = markdown::without_ways_out(text, allowed, removed);
    plain(&text, allowed, removed)
}

/// Words without addresses, but those that are allowed, and without control characters.
pub(super) fn plain(text: &str, allowed: &Allowed<'_>, removed: &mut Removed) -> String {
    let shown = |character: &char| !character.is_control() || matches!(character, '\n' | '\t');
    let text: String = text.chars().filter(shown).collect();
    address::without_foreign(&text, allowed, removed)
}

/// Structured data of schema.org as one line, if all that it points to is allowed.
pub(super) fn json_ld(text: &str, allowed: &Allowed<'_>) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    let data: serde_json::Value =
        serde_json::from_str(text).map_err(|_| "the structured data is no JSON")?;
    let context = data.get("@context").and_then(serde_json::Value::as_str).unwrap_or_default();
    if !is_schema(context) || data.get("@type").is_none() {
        return Err("the structured data is none of schema.org");
    }
    if !all_allowed(&data, allowed) {
        return Err("the structured data points elsewhere");
    }
    // A page holds it between `<script>` and `</script>`.
    Ok(data.to_string().replace("</", "<\\/"))
}

fn is_schema(url: &str) -> bool {
    ["https://schema.org", "http://schema.org"].contains(&url.trim_end_matches('/'))
}

fn all_allowed(data: &serde_json::Value, allowed: &Allowed<'_>) -> bool {
    match data {
        serde_json::Value::String(text) => {
            is_schema(text) || !address::looks_like_one(text) || allowed.has(text)
        }
        serde_json::Value::Array(items) => items.iter().all(|item| all_allowed(item, allowed)),
        serde_json::Value::Object(fields) => fields
            .iter()
            .all(|(name, value)| !address::looks_like_one(name) && all_allowed(value, allowed)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Allowed<'static> {
        Allowed::new("https://north.example", vec!["https://law.example/act"])
    }

    #[test]
    fn structured_data_stays_if_it_points_nowhere_else() {
        let kept = |text: &str| json_ld(text, &allowed());

        let fine = r#"{"@context":"https://schema.org","@type":"Article","name":"</script>","url":"https://north.example/a"}"#;
        assert_eq!(kept(fine).unwrap(), fine.replace("</", "<\\/"));
        assert_eq!(kept(" "), Ok(String::new()));
        for foreign in [
            "{",
            "[]",
            r#"{"@context":"https://evil.example","@type":"Article"}"#,
            r#"{"@context":"https://schema.org"}"#,
            r#"{"@context":"https://schema.org","@type":"Article","image":"//evil.example/x.png"}"#,
            r#"{"@context":"https://schema.org","@type":"Article","image":["data:text/html,x"]}"#,
            r#"{"@context":"https://schema.org","@type":"Article","author":{"url":"see www.evil.example"}}"#,
        ] {
            assert!(kept(foreign).is_err(), "{foreign}");
        }
    }

    #[test]
    fn what_was_removed_is_named_without_what_it_carried() {
        assert_eq!(named("https://evil.example/?d=secret"), "evil.example");
        assert_eq!(named("//evil.example#secret"), "evil.example");
        assert_eq!(named("<img src=\"https://evil.example/?secret\">"), "HTML");
        assert_eq!(named("www.evil.example/secret"), "evil.example");
    }

    #[test]
    fn a_text_keeps_its_words_and_loses_its_ways_out() {
        let mut removed = Vec::new();
        let text = "Look at [our prices](/prices), [the act](https://law.example/act) and \
                    [this](https://evil.example/?q=secret).\u{7}\n\n![x](https://evil.example/a.png)\n\n\
                    See https://evil.example/b, <https://north.example/c> or www.evil.example/d.";

        let cleaned = markdown(text, &allowed(), &mut removed);

        assert_eq!(
            cleaned,
            "Look at [our prices](/prices), [the act](https://law.example/act) and this.\n\nx\n\n\
             See , <https://north.example/c> or ."
        );
        assert_eq!(removed.len(), 4);
    }
}
