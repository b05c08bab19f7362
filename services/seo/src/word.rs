//! Words of closed sets: the same in events, in the database and in filters.

/// An enum of the contract without its zero, which is no word.
macro_rules! words {
    ($(#[$doc:meta])+ $name:ident: $($variant:ident = $word:literal),+ $(,)?) => {
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, sqlx::Type)]
        #[serde(rename_all = "snake_case")]
        #[sqlx(type_name = "text", rename_all = "snake_case")]
        enum $name {
            $($variant),+
        }

        impl $name {
            const WORDS: &[&str] = &[$($word),+];

            const fn word(self) -> &'static str {
                Self::WORDS[self as usize]
            }

            /// What was sent; none where it says nothing.
            fn sent(value: pb::$name) -> Option<Self> {
                match value {
                    pb::$name::Unspecified => None,
                    $(pb::$name::$variant => Some(Self::$variant)),+
                }
            }
        }

        impl From<$name> for pb::$name {
            fn from(word: $name) -> Self {
                match word {
                    $($name::$variant => Self::$variant),+
                }
            }
        }
    };
}

pub(crate) use words;
