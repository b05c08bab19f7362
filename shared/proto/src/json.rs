//! Messages of the contract as JSON, by the contract's own names: in rows, events and the audit log.

use prost::{Message, Name};
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::Contract;

/// A message whose JSON is the contract's: fields by their names there, empty ones left out. A
/// field that this build does not know is passed over, because a newer one may have written it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AsJson<T>(pub T);

fn descriptor<T: Name>() -> Result<MessageDescriptor, String> {
    let contract = Contract::get().map_err(ToString::to_string)?;
    let name = T::full_name();
    contract.pool().get_message_by_name(&name).ok_or(name)
}

impl<T: Message + Name> Serialize for AsJson<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut message = DynamicMessage::new(descriptor::<T>().map_err(ser::Error::custom)?);
        message.transcode_from(&self.0).map_err(ser::Error::custom)?;
        let options = SerializeOptions::new().use_proto_field_name(true);
        message.serialize_with_options(serializer, &options)
    }
}

impl<'de, T: Message + Name + Default> Deserialize<'de> for AsJson<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let descriptor = descriptor::<T>().map_err(de::Error::custom)?;
        let options = DeserializeOptions::new().deny_unknown_fields(false);
        let message = DynamicMessage::deserialize_with_options(descriptor, deserializer, &options)?;
        message.transcode_to().map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::r#type::v1::Money;

    #[test]
    fn a_message_is_written_by_its_names_and_read_again() {
        let money = AsJson(Money { minor_units: 7, currency_code: "EUR".into() });

        let written = serde_json::to_value(&money).unwrap();

        assert_eq!(written, json!({"minor_units": "7", "currency_code": "EUR"}));
        assert_eq!(serde_json::from_value::<AsJson<Money>>(written).unwrap(), money);
        assert_eq!(serde_json::to_value(AsJson(Money::default())).unwrap(), json!({}));
    }

    #[test]
    fn what_a_newer_build_wrote_is_passed_over_and_what_is_no_message_refused() {
        let newer = json!({"minor_units": "7", "of_tomorrow": true});

        let read: AsJson<Money> = serde_json::from_value(newer).unwrap();

        assert_eq!(read.0.minor_units, 7);
        assert!(serde_json::from_value::<AsJson<Money>>(json!({"minor_units": "x"})).is_err());
    }
}
