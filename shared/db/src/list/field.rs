//! What callers may filter and sort by: one static row per field.

/// How a field's values are written, bound and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text, or one word of a closed set.
    Text,
    /// A UUID.
    Uuid,
    /// A `timestamptz`.
    Instant,
    /// A `date`.
    Date,
    /// Any integer type, compared as `bigint`.
    Integer,
    /// A `boolean`.
    Bool,
}

impl Kind {
    /// The PostgreSQL type that a bound value is cast to.
    pub(super) const fn cast(self) -> &'static str {
        match self {
            Self::Text => "::text",
            Self::Uuid => "::uuid",
            Self::Instant => "::timestamptz",
            Self::Date => "::date",
            Self::Integer => "::bigint",
            Self::Bool => "::boolean",
        }
    }
}

/// One field of a resource, as callers name it and as SQL knows it.
///
/// Reads well as a constant: `const EMAIL: Field = Field::text("email", "email").nullable().sortable();`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The path in the contract, as in `owner_id` or `value.minor_units`.
    pub name: &'static str,
    /// The SQL expression; qualified where the select gives its name to something else.
    pub column: &'static str,
    /// How its values are written, bound and compared.
    pub kind: Kind,
    /// Whether it can be null, in SQL and in a filter.
    pub nullable: bool,
    /// Whether `order_by` may name it.
    pub sortable: bool,
    /// The only words a text field holds, as stored; empty means any text.
    pub values: &'static [&'static str],
}

impl Field {
    const fn new(name: &'static str, column: &'static str, kind: Kind) -> Self {
        Self { name, column, kind, nullable: false, sortable: false, values: &[] }
    }

    /// A field of any text.
    pub const fn text(name: &'static str, column: &'static str) -> Self {
        Self::new(name, column, Kind::Text)
    }

    /// An id.
    pub const fn uuid(name: &'static str, column: &'static str) -> Self {
        Self::new(name, column, Kind::Uuid)
    }

    /// A moment.
    pub const fn instant(name: &'static str, column: &'static str) -> Self {
        Self::new(name, column, Kind::Instant)
    }

    /// A calendar date.
    pub const fn date(name: &'static str, column: &'static str) -> Self {
        Self::new(name, column, Kind::Date)
    }

    /// A whole number.
    pub const fn integer(name: &'static str, column: &'static str) -> Self {
        Self::new(name, column, Kind::Integer)
    }

    /// A yes or no.
    pub const fn bool(name: &'static str, column: &'static str) -> Self {
        Self::new(name, column, Kind::Bool)
    }

    /// The same field, one that can be null.
    pub const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// The same field, open to `order_by`.
    pub const fn sortable(self) -> Self {
        Self { sortable: true, ..self }
    }

    /// The same field, closed to all but these words.
    pub const fn one_of(self, values: &'static [&'static str]) -> Self {
        Self { values, ..self }
    }

    /// Lowest first, nulls last.
    pub const fn ascending(&'static self) -> Order {
        Order { field: self, descending: false }
    }

    /// Highest first, nulls first.
    pub const fn descending(&'static self) -> Order {
        Order { field: self, descending: true }
    }
}

/// One step of a list's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// What is compared.
    pub field: &'static Field,
    /// Highest first.
    pub descending: bool,
}
