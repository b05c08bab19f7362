//! A message to canonical JSON straight from its bytes, without a message in between: lists of records are
//! most of what pages read. It knows what our services send; anything else is left to the library.

use std::io::Write as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use prost::{
    Message as _,
    encoding::{WireType, decode_key, decode_varint},
};
use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor};
use prost_types::Timestamp;

/// Messages within each other.
const DEEPEST: usize = 50;

/// The JSON of a message; none where its bytes are not written as prost writes them (each field once,
/// in the order of numbers, without defaults), or hold something that is rare.
pub(super) fn render(kind: &MessageDescriptor, message: &[u8]) -> Option<Vec<u8>> {
    let mut writer = Writer(Vec::with_capacity(2 * message.len() + 64));
    writer.nested(kind, message, DEEPEST)?;
    Some(writer.0)
}

struct Writer(Vec<u8>);

impl Writer {
    fn message(&mut self, kind: &MessageDescriptor, mut wire: &[u8], deep: usize) -> Option<()> {
        let deep = deep.checked_sub(1)?;
        let mut before: Option<FieldDescriptor> = None;
        self.0.push(b'{');
        while !wire.is_empty() {
            let (number, form) = decode_key(&mut wire).ok()?;
            let repeated = before.as_ref().filter(|before| before.number() == number);
            if let Some(field) = repeated {
                if !field.is_list() || form != form_of(&field.kind()) {
                    return None;
                }
                self.0.push(b',');
                self.value(&field.kind(), &mut wire, deep)?;
                continue;
            }
            if before.as_ref().is_some_and(|before| before.number() > number) {
                return None;
            }
            let field = kind.get_field(number)?;
            self.close(before.as_ref());
            self.open(&field, before.is_some());
            self.field(&field, form, &mut wire, deep)?;
            before = Some(field);
        }
        self.close(before.as_ref());
        self.0.push(b'}');
        Some(())
    }

    /// The name, and for a list its bracket.
    fn open(&mut self, field: &FieldDescriptor, is_next: bool) {
        if is_next {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(field.json_name().as_bytes());
        self.0.extend_from_slice(b"\":");
        if field.is_list() {
            self.0.push(b'[');
        }
    }

    fn close(&mut self, before: Option<&FieldDescriptor>) {
        if before.is_some_and(FieldDescriptor::is_list) {
            self.0.push(b']');
        }
    }

    fn field(
        &mut self,
        field: &FieldDescriptor,
        form: WireType,
        wire: &mut &[u8],
        deep: usize,
    ) -> Option<()> {
        let kind = field.kind();
        if field.is_map() || field.cardinality() == Cardinality::Required {
            return None;
        }
        if field.is_list() && form == WireType::LengthDelimited && form_of(&kind) != form {
            let mut packed = piece(wire)?;
            let mut is_next = false;
            while !packed.is_empty() {
                if is_next {
                    self.0.push(b',');
                }
                self.value(&kind, &mut packed, deep)?;
                is_next = true;
            }
            return is_next.then_some(());
        }
        if form != form_of(&kind) {
            return None;
        }
        let began = self.0.len();
        self.value(&kind, wire, deep)?;
        let is_empty = matches!(&self.0[began..], b"0" | b"\"0\"" | b"\"\"" | b"false");
        (!is_empty || field.is_list() || field.supports_presence()).then_some(())
    }

    fn value(&mut self, kind: &Kind, wire: &mut &[u8], deep: usize) -> Option<()> {
        match kind {
            Kind::String => self.text(std::str::from_utf8(piece(wire)?).ok()?),
            Kind::Message(kind) => self.nested(kind, piece(wire)?, deep),
            Kind::Bool => self.put(decode_varint(wire).ok()? != 0),
            Kind::Int32 => self.put(truncated(decode_varint(wire).ok()?)),
            Kind::Uint32 => self.put(u32::try_from(decode_varint(wire).ok()?).ok()?),
            Kind::Int64 => self.quoted(decode_varint(wire).ok()?.cast_signed()),
            Kind::Uint64 => self.quoted(decode_varint(wire).ok()?),
            Kind::Enum(kind) => {
                let value = kind.get_value(truncated(decode_varint(wire).ok()?))?;
                // Unspecified is left out, and an unknown one is a number.
                (value.number() != 0).then(|| self.quoted(value.name()))?
            }
            Kind::Bytes => {
                let bytes = piece(wire)?;
                self.quoted(BASE64_STANDARD.encode(bytes))
            }
            Kind::Double => {
                let (bits, rest) = wire.split_first_chunk()?;
                *wire = rest;
                let number = f64::from_le_bytes(*bits);
                serde_json::to_writer(&mut self.0, &number).ok().filter(|()| number.is_finite())
            }
            _ => None,
        }
    }

    fn nested(&mut self, kind: &MessageDescriptor, wire: &[u8], deep: usize) -> Option<()> {
        match kind.full_name() {
            "google.protobuf.Timestamp" => self.quoted(Timestamp::decode(wire).ok()?),
            _ if kind.package_name() == "google.protobuf" => None,
            _ => self.message(kind, wire, deep),
        }
    }

    fn text(&mut self, text: &str) -> Option<()> {
        serde_json::to_writer(&mut self.0, text).ok()
    }

    fn put(&mut self, value: impl std::fmt::Display) -> Option<()> {
        write!(self.0, "{value}").ok()
    }

    /// What needs no escape.
    fn quoted(&mut self, value: impl std::fmt::Display) -> Option<()> {
        write!(self.0, "\"{value}\"").ok()
    }
}

/// A negative number has ten bytes on the wire, whatever its width.
#[expect(clippy::cast_possible_truncation, reason = "what an int32 is on the wire")]
const fn truncated(value: u64) -> i32 {
    value as i32
}

const fn form_of(kind: &Kind) -> WireType {
    match kind {
        Kind::String | Kind::Bytes | Kind::Message(_) => WireType::LengthDelimited,
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => WireType::SixtyFourBit,
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => WireType::ThirtyTwoBit,
        _ => WireType::Varint,
    }
}

fn piece<'a>(wire: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(decode_varint(wire).ok()?).ok()?;
    let (piece, rest) = wire.split_at_checked(length)?;
    *wire = rest;
    Some(piece)
}

#[cfg(test)]
mod tests {
    use devsphere_proto::{
        Contract,
        crm::v1::{Lead, ListLeadsResponse},
        r#type::v1::{ItemError, Money},
    };
    use prost::Name;
    use prost_reflect::{DynamicMessage, SerializeOptions};
    use serde_json::Value;

    use super::*;

    fn kind<T: Name>() -> MessageDescriptor {
        Contract::get().unwrap().pool().get_message_by_name(&T::full_name()).unwrap()
    }

    /// As the library writes it.
    fn library(kind: &MessageDescriptor, wire: &[u8]) -> Value {
        let message = DynamicMessage::decode(kind.clone(), wire).unwrap();
        let options = SerializeOptions::new();
        message.serialize_with_options(serde_json::value::Serializer, &options).unwrap()
    }

    fn swift(kind: &MessageDescriptor, wire: &[u8]) -> Option<Value> {
        render(kind, wire).map(|json| serde_json::from_slice(&json).unwrap())
    }

    fn lead(n: i64) -> Lead {
        Lead {
            lead_id: "0198f2a4-7c11-7d3e-9b1a-5f0c2f6a9e01".into(),
            display_name: "Märta \"Q\" \\ \u{1} \u{2028} 🙂".into(),
            value: Some(Money { minor_units: -n, currency_code: "EUR".into() }),
            tags: vec![String::new(), "warm".into()],
            state: 3,
            create_time: Some(Timestamp { seconds: 1_790_000_000 + n, nanos: 120_000_000 }),
            update_time: Some(Timestamp { seconds: -1, nanos: 7 }),
            delete_time: Some(Timestamp::default()),
            allowed_actions: vec!["update".into()],
            ..Lead::default()
        }
    }

    #[test]
    fn a_list_of_records_is_what_the_library_makes_of_it() {
        let leads: Vec<_> = [0, 1, 1_000_000_007].map(lead).into();
        let page = |total_size| ListLeadsResponse {
            leads: leads.clone(),
            next_page_token: "n".into(),
            total_size,
            total_at_least: true,
        };

        for total_size in [None, Some(0), Some(-7)] {
            let wire = page(total_size).encode_to_vec();
            let kind = kind::<ListLeadsResponse>();
            assert_eq!(swift(&kind, &wire), Some(library(&kind, &wire)));
        }
        let empty = kind::<ListLeadsResponse>();
        assert_eq!(swift(&empty, &[]), Some(library(&empty, &[])));
        let error = ItemError { index: -1, ..ItemError::default() }.encode_to_vec();
        assert_eq!(
            swift(&kind::<ItemError>(), &error),
            Some(library(&kind::<ItemError>(), &error))
        );
    }

    #[test]
    fn what_other_encoders_may_write_is_left_to_the_library() {
        let kind = kind::<Money>();
        let whole = Money { minor_units: 7, currency_code: "EUR".into() }.encode_to_vec();
        let code = Money { minor_units: 0, currency_code: "SEK".into() }.encode_to_vec();
        let unusual = [
            [whole.as_slice(), &code].concat(),  // a field twice
            [code.as_slice(), &[8, 7]].concat(), // not in order
            vec![8, 0],                          // a default
            vec![0x98, 0x06, 1],                 // a number that nobody knows
            vec![9, 0, 0, 0, 0, 0, 0, 0, 0],     // another form
        ];

        for wire in unusual {
            assert_eq!(render(&kind, &wire), None, "{wire:?}");
        }
        for broken in [&whole[..3], &[0x12, 9, b'E'], &[0x12, 1, 0xff], &[0xff; 12]] {
            assert_eq!(render(&kind, broken), None, "{broken:?}");
        }
    }

    #[test]
    fn every_message_of_the_contracts_is_as_the_library_has_it_however_it_is_cut() {
        let wire = ListLeadsResponse { leads: vec![lead(5)], ..Default::default() }.encode_to_vec();
        for kind in Contract::get().unwrap().pool().all_messages() {
            for end in 0..wire.len() {
                if let Some(json) = swift(&kind, &wire[..end]) {
                    assert_eq!(json, library(&kind, &wire[..end]), "{}", kind.full_name());
                }
            }
        }
    }
}
