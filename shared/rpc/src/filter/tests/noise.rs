//! What the grammar makes of noise: the same noise on each run.

use devsphere_db::list::{List, Op, Value};

use super::*;

/// Marsaglia's xorshift.
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits fit") % bound
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    fn condition(&mut self, depth: usize) -> Condition {
        match self.below(if depth < 4 { 8 } else { 5 }) {
            0 => compare(
                "email",
                self.pick(&[Op::Contains, Op::Less, Op::NotEqual]),
                self.pick(&["", "a b", "\"", "\\", "null", "é) OR"]),
            ),
            1 => is("starred", self.below(2) == 0),
            2 => {
                compare("value.minor_units", self.pick(&[Op::AtLeast, Op::Greater, Op::AtMost]), -7)
            }
            3 => Condition::IsNull(field(self.pick(&["owner_id", "email", "due_date"]))),
            4 => Condition::In(
                field("state"),
                vec![self.pick(&["new", "won"]).into(), "lost".into()],
            ),
            5 => self.condition(depth + 1).negated(),
            6 => Condition::And(vec![self.condition(depth + 1), self.condition(depth + 1)]),
            _ => Condition::Or(vec![self.condition(depth + 1), self.condition(depth + 1)]),
        }
    }
}

fn written(condition: &Condition) -> String {
    let quoted = |value: &Value| match value {
        Value::Text(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        Value::Integer(number) => number.to_string(),
        Value::Bool(bool) => bool.to_string(),
        other => panic!("the noise holds no {other:?}"),
    };
    let joined = |parts: &[Condition], joint| {
        parts.iter().map(|part| format!("({})", written(part))).collect::<Vec<_>>().join(joint)
    };
    match condition {
        Condition::Compare(field, op, value) => {
            format!("{} {} {}", field.name, scan::symbol(*op), quoted(value))
        }
        Condition::In(field, values) => {
            format!(
                "{}=({})",
                field.name,
                values.iter().map(quoted).collect::<Vec<_>>().join(" OR ")
            )
        }
        Condition::IsNull(field) => format!("{} = null", field.name),
        Condition::And(parts) => joined(parts, "AND"),
        Condition::Or(parts) => joined(parts, " OR "),
        Condition::Not(part) => format!("-({})", written(part)),
    }
}

#[test]
fn every_condition_reads_back_from_its_text() {
    let mut noise = Noise(42);
    for _ in 0..2_000 {
        let condition = noise.condition(0);
        assert_eq!(read(&written(&condition)), condition);
    }
}

#[test]
fn noise_is_a_filter_or_a_few_short_violations() {
    const PIECES: [&str; 32] = [
        "state",
        "owner_id",
        "email",
        "value.minor_units",
        "due_date",
        "starred",
        "x",
        " ",
        " ",
        "=",
        "=",
        "!=",
        "<",
        ">=",
        ":",
        "(",
        ")",
        "AND",
        " OR ",
        "NOT ",
        "-",
        "\"",
        "\\",
        "null",
        "new",
        "5",
        ",",
        "é",
        "\0",
        "\u{1d4b3}",
        "\u{2028}",
        "true",
    ];
    let mut noise = Noise(7);
    let mut taken = 0;
    for round in 0..20_000 {
        let length = noise.below(12);
        let piece = |noise: &mut Noise| match round % 4 {
            0 => u32::try_from(noise.below(0x11_0000))
                .ok()
                .and_then(char::from_u32)
                .map_or_else(String::new, String::from),
            _ => noise.pick(&PIECES).into(),
        };
        let text: String = (0..length).map(|_| piece(&mut noise)).collect();
        match parse(&text, &FIELDS) {
            Ok(condition) => {
                let list = List::new("select lead_id from lead", &FIELDS[0]).filter(condition);
                assert!(list.sql().is_ok());
                taken += 1;
            }
            Err(Error::Invalid(violations)) => {
                assert!((1..=MAX_VIOLATIONS).contains(&violations.len()), "{text:?}");
                assert!(violations.iter().all(|violation| violation.description.len() < 500));
            }
            Err(other) => panic!("{text:?} gave {other:?}"),
        }
    }
    assert!(taken > 100, "the noise is too noisy: {taken}");
}

#[test]
fn a_filter_may_be_cut_anywhere() {
    let whole = format!("-(state = (new OR won) AND email:\"é\\\"\") OR owner_id != {ID}");
    for (end, _) in whole.char_indices() {
        assert!(matches!(parse(&whole[..end], &FIELDS), Ok(_) | Err(Error::Invalid(_))));
    }
}
