//! An amount in one currency.

use iso_currency::Currency;
use serde::Serialize;
use sqlx::{
    Decode, Postgres, Type,
    error::BoxDynError,
    postgres::{PgTypeInfo, PgValueRef},
};

/// Minor units of a currency; read from the database as `row (bigint, text)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Money {
    pub(crate) minor_units: i64,
    /// A code of ISO 4217.
    currency_code: &'static str,
}

impl Money {
    /// The amount, if there is such a currency.
    pub(crate) fn new(minor_units: i64, currency_code: &str) -> Result<Self, &'static str> {
        let currency = Currency::from_code(currency_code).ok_or("is no currency of ISO 4217")?;
        Ok(Self { minor_units, currency_code: currency.code() })
    }

    pub(crate) const fn currency_code(self) -> &'static str {
        self.currency_code
    }
}

impl Type<Postgres> for Money {
    fn type_info() -> PgTypeInfo {
        <(i64, String)>::type_info()
    }
}

impl<'r> Decode<'r, Postgres> for Money {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let (minor_units, currency_code) = <(i64, String)>::decode(value)?;
        Ok(Self::new(minor_units, &currency_code)?)
    }
}
