//! What each reason of `product.md` B4 is elsewhere: its HTTP status, and words for people.

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// A language that we have words in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Also for whoever asks for none that we have.
    #[default]
    English,
    /// German.
    German,
}

/// Reason, HTTP status, and the words in English and German.
type Row = (&'static str, u16, &'static str, &'static str);

const ROWS: [Row; 27] = [
    ("UNAUTHORIZED", 401, "Please sign in.", "Bitte melden Sie sich an."),
    ("INVALID_API_KEY", 401, "This API key is not valid.", "Dieser API-Schlüssel ist ungültig."),
    (
        "FORBIDDEN",
        403,
        "You do not have permission for this.",
        "Dazu fehlt Ihnen die Berechtigung.",
    ),
    (
        "INSUFFICIENT_SCOPE",
        403,
        "This API key is not allowed to do this.",
        "Dieser API-Schlüssel darf das nicht.",
    ),
    ("NOT_FOUND", 404, "This was not found.", "Das wurde nicht gefunden."),
    (
        "BAD_REQUEST",
        400,
        "Something in the request is not right.",
        "Etwas an der Anfrage stimmt nicht.",
    ),
    (
        "INVALID_STATE",
        409,
        "This is not possible at the moment.",
        "Das ist im Moment nicht möglich.",
    ),
    (
        "BAD_TRANSITION",
        409,
        "This is not possible in the record's current state.",
        "Das geht im jetzigen Zustand des Datensatzes nicht.",
    ),
    (
        "CONFLICT",
        409,
        "Somebody else has changed this meanwhile.",
        "Das wurde inzwischen von jemand anderem geändert.",
    ),
    ("ALREADY_EXISTS", 409, "This exists already.", "Das gibt es schon."),
    (
        "PLAN_LIMIT",
        403,
        "Your plan does not include this.",
        "Das ist in Ihrem Tarif nicht enthalten.",
    ),
    (
        "LOCKED",
        403,
        "The organisation can only be read at the moment.",
        "Die Organisation kann im Moment nur gelesen werden.",
    ),
    (
        "RATE_LIMITED",
        429,
        "That was too fast. Please wait a moment.",
        "Das ging zu schnell. Bitte warten Sie einen Moment.",
    ),
    (
        "OVERLOADED",
        503,
        "There is a lot to do right now. Please try again.",
        "Gerade ist viel los. Bitte versuchen Sie es noch einmal.",
    ),
    (
        "UNAVAILABLE",
        503,
        "This is not available right now. Please try again.",
        "Das ist gerade nicht verfügbar. Bitte versuchen Sie es noch einmal.",
    ),
    (
        "DEADLINE_EXCEEDED",
        504,
        "This took too long. Please try again.",
        "Das hat zu lange gedauert. Bitte versuchen Sie es noch einmal.",
    ),
    ("PAYLOAD_TOO_LARGE", 413, "This is too large.", "Das ist zu groß."),
    (
        "UNSUPPORTED_MEDIA_TYPE",
        415,
        "This format is not supported.",
        "Dieses Format wird nicht unterstützt.",
    ),
    ("METHOD_NOT_ALLOWED", 405, "This does not exist here.", "Das gibt es hier nicht."),
    (
        "STEP_UP_REQUIRED",
        403,
        "Please confirm that it is you.",
        "Bitte bestätigen Sie, dass Sie es sind.",
    ),
    (
        "SECOND_FACTOR_REQUIRED",
        403,
        "Please confirm with your second factor.",
        "Bitte bestätigen Sie mit Ihrem zweiten Faktor.",
    ),
    (
        "CSRF",
        403,
        "Another page must not do this in your name.",
        "Eine andere Seite darf das nicht in Ihrem Namen tun.",
    ),
    (
        "AI_FAILED",
        500,
        "The assistant could not finish this.",
        "Der Assistent konnte das nicht abschließen.",
    ),
    (
        "QUERY_FAILED",
        500,
        "This could not be read. We are looking into it.",
        "Das konnte nicht gelesen werden. Wir kümmern uns darum.",
    ),
    (
        "CREATE_FAILED",
        500,
        "This could not be created. We are looking into it.",
        "Das konnte nicht angelegt werden. Wir kümmern uns darum.",
    ),
    (
        "UPDATE_FAILED",
        500,
        "This could not be changed. We are looking into it.",
        "Das konnte nicht geändert werden. Wir kümmern uns darum.",
    ),
    (
        "DELETE_FAILED",
        500,
        "This could not be deleted. We are looking into it.",
        "Das konnte nicht gelöscht werden. Wir kümmern uns darum.",
    ),
];

impl Language {
    /// The language of ours that an `Accept-Language` (RFC 9110) asks for most.
    pub fn of(accepted: &str) -> Self {
        let mut best = (0, Self::English);
        // A longer list than anybody's languages is noise.
        for range in accepted.split(',').take(20) {
            let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
            let language = match tag.trim().split('-').next().map(str::to_ascii_lowercase) {
                Some(tag) if tag == "de" => Self::German,
                Some(tag) if tag == "en" || tag == "*" => Self::English,
                _ => continue,
            };
            let weight = thousandths(weight.trim());
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// The tag of BCP 47.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }
}

/// The weight of a range; one that cannot be read is none.
fn thousandths(weight: &str) -> u32 {
    if weight.is_empty() {
        return 1000;
    }
    let value = weight.strip_prefix("q=").and_then(|value| value.parse::<f32>().ok());
    let value = value.filter(|value| (0.0..=1.0).contains(value));
    value.map_or(0, |value| (value * 1000.0).round() as u32)
}

/// Every reason, in the order of `product.md` B4.
pub fn reasons() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.0)
}

/// The HTTP status of an error in REST: the reason's, or what the code comes nearest to.
pub fn http_status(reason: &str, code: Code) -> u16 {
    let known = ROWS.iter().find(|row| row.0 == reason);
    known.map_or_else(|| http_status_of_code(code), |row| row.1)
}

const fn http_status_of_code(code: Code) -> u16 {
    match code {
        Code::Ok => 200,
        Code::Cancelled => 499,
        Code::InvalidArgument | Code::OutOfRange => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::Unimplemented => 405,
        Code::AlreadyExists | Code::Aborted | Code::FailedPrecondition => 409,
        Code::ResourceExhausted => 429,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
        Code::Unknown | Code::Internal | Code::DataLoss => 500,
    }
}

/// The status with words in that language; one without a reason of ours stays as it is.
pub fn localized(status: Status, language: Language) -> Status {
    let mut details = status.get_error_details();
    let reason = details.error_info().map_or("", |info| info.reason.as_str());
    let Some((_, _, english, german)) = ROWS.iter().find(|row| row.0 == reason) else {
        return status;
    };
    let words = match language {
        Language::English => *english,
        Language::German => *german,
    };
    details.set_localized_message(language.tag(), words);
    Status::with_error_details(status.code(), status.message(), details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, Failure};

    #[test]
    fn the_language_is_the_one_asked_for_most() {
        for (accepted, language) in [
            ("de", Language::German),
            ("de-AT, en;q=0.8", Language::German),
            ("en;q=0.8, DE", Language::German),
            ("fr, de;q=0.3", Language::German),
            ("en, de", Language::English),
            ("fr", Language::English),
            ("", Language::English),
            ("de;q=0", Language::English),
            ("de;q=x", Language::English),
            ("*, de;q=0.9", Language::English),
            ("den", Language::English),
        ] {
            assert_eq!(Language::of(accepted), language, "{accepted}");
        }
    }

    #[test]
    fn words_are_added_and_replaced_and_nothing_else_changes() {
        let before = Error::field("lead.email", "is required").status("1", Failure::Query);
        let german = localized(before.clone(), Language::German);
        let english = localized(german.clone(), Language::English);
        for (status, locale, words) in [
            (german, "de", "Etwas an der Anfrage stimmt nicht."),
            (english, "en", "Something in the request is not right."),
        ] {
            assert_eq!((status.code(), status.message()), (before.code(), before.message()));
            let mut details = status.get_error_details();
            let said = details.localized_message().unwrap();
            assert_eq!((said.locale.as_str(), said.message.as_str()), (locale, words));
            details.set_localized_message("", "");
            let mut expected = before.get_error_details();
            expected.set_localized_message("", "");
            assert_eq!(format!("{details:?}"), format!("{expected:?}"));
        }
    }

    #[test]
    fn a_status_of_others_stays_as_it_is() {
        let other = Status::aborted("no details");
        assert!(localized(other, Language::German).details().is_empty());
    }
}
