//! What the grammar takes, and what it refuses in which words.

use devsphere_db::list::{Op, Value};

use super::*;

mod noise;

static FIELDS: [Field; 8] = [
    Field::uuid("lead_id", "lead_id"),
    Field::uuid("owner_id", "owner_id").nullable(),
    Field::text("email", "email").nullable(),
    Field::text("state", "state").one_of(&["new", "won", "lost"]),
    Field::instant("create_time", "create_time"),
    Field::date("due_date", "due_date").nullable(),
    Field::integer("value.minor_units", "value_minor"),
    Field::bool("starred", "starred"),
];

const ID: &str = "0190b0a0-0000-7000-8000-000000000001";

fn field(name: &str) -> &'static Field {
    FIELDS.iter().find(|field| field.name == name).expect("the field is in the table")
}

fn compare(name: &str, op: Op, value: impl Into<Value>) -> Condition {
    Condition::Compare(field(name), op, value.into())
}

fn is(name: &str, value: impl Into<Value>) -> Condition {
    compare(name, Op::Equal, value)
}

fn read(text: &str) -> Condition {
    match parse(text, &FIELDS) {
        Ok(Some(condition)) => condition,
        other => panic!("{text:?} gave {other:?}"),
    }
}

fn problems(text: &str) -> Vec<String> {
    match parse(text, &FIELDS) {
        Err(Error::Invalid(violations)) => {
            assert!(violations.iter().all(|violation| violation.field == "filter"));
            violations.into_iter().map(|violation| violation.description).collect()
        }
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[test]
fn blank_is_no_filter() {
    assert!(matches!(parse("", &FIELDS), Ok(None)));
    assert!(matches!(parse(" \n\t\u{a0}", &FIELDS), Ok(None)));
}

#[test]
fn each_kind_takes_its_values() {
    let id: uuid::Uuid = ID.parse().expect("an id");
    let nine: chrono::DateTime<chrono::Utc> = "2026-01-31T09:00:00Z".parse().expect("an instant");
    let day: chrono::NaiveDate = "2026-01-31".parse().expect("a date");

    assert_eq!(read(&format!("owner_id={ID}")), is("owner_id", id));
    assert_eq!(read(&format!("owner_id = \"{ID}\"")), is("owner_id", id));
    assert_eq!(read("state = NEW"), is("state", "new"));
    assert_eq!(
        read("create_time > 2026-01-31T10:00:00+01:00"),
        compare("create_time", Op::Greater, nine)
    );
    assert_eq!(read("due_date<=2026-01-31"), compare("due_date", Op::AtMost, day));
    assert_eq!(read("value.minor_units >= -5"), compare("value.minor_units", Op::AtLeast, -5));
    assert_eq!(read("starred != true"), compare("starred", Op::NotEqual, true));
    assert_eq!(read("email:@x.org"), compare("email", Op::Contains, "@x.org"));
    assert_eq!(
        read(r#"email : "a\"b\\c AND %é""#),
        compare("email", Op::Contains, r#"a"b\c AND %é"#)
    );
    assert_eq!(read(r#"email = "null""#), is("email", "null"));
    assert_eq!(read("email = null"), Condition::IsNull(field("email")));
    assert_eq!(read("email != null"), Condition::IsNull(field("email")).negated());
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_both() {
    let (new, won, starred) = (is("state", "new"), is("state", "won"), is("starred", true));
    let both = Condition::And(vec![won.clone(), starred.clone()]);

    assert_eq!(
        read("state=new OR state=won AND starred=true"),
        Condition::Or(vec![new.clone(), both])
    );
    assert_eq!(
        read("NOT (state=new OR state=won)AND -starred=true"),
        Condition::And(vec![
            Condition::Or(vec![new.clone(), won.clone()]).negated(),
            starred.clone().negated()
        ])
    );
    assert_eq!(
        read("state=new AND state=won AND NOT NOT starred=true"),
        Condition::And(vec![new, won, starred.negated().negated()])
    );
}

#[test]
fn a_list_is_one_of_or_none_of() {
    let among = Condition::In(field("state"), vec!["new".into(), "won".into()]);
    let nobody = Condition::IsNull(field("email"));
    let me_or_nobody =
        Condition::Or(vec![Condition::In(field("email"), vec!["me".into()]), nobody]);

    assert_eq!(read("state = (new OR won)"), among);
    assert_eq!(read("state!=(new OR \"won\")"), among.negated());
    assert_eq!(read("email = (null OR me)"), me_or_nobody);
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_what_is_allowed() {
    let fields = "the fields are lead_id, owner_id, email, state, create_time, due_date, \
                  value.minor_units, starred";
    let table = [
        ("ownr = 1", format!("no field \"ownr\" at character 1; {fields}")),
        ("State = new", format!("no field \"State\" at character 1; {fields}")),
        ("email:é AND x.y=1", format!("no field \"x.y\" at character 13; {fields}")),
        ("state = open", "state at character 1 takes one of new, won, lost, not \"open\"".into()),
        ("state = (new OR x)", "state at character 1 takes one of new, won, lost, not \"x\"".into()),
        ("state:ne", "state at character 1 does not take :, only = and !=".into()),
        ("owner_id = me", "owner_id at character 1 takes a UUID, not \"me\"".into()),
        ("owner_id < x", "owner_id at character 1 does not take <, only = and !=".into()),
        ("due_date:2026", "due_date at character 1 does not take :, only = != < <= > and >=".into()),
        ("due_date = 2026-02-30", "due_date at character 1 takes a date such as 2026-01-31, not \"2026-02-30\"".into()),
        ("due_date = 12026-01-31", "due_date at character 1 takes a date such as 2026-01-31, not \"12026-01-31\"".into()),
        ("create_time > 2026-01-31", "create_time at character 1 takes an RFC 3339 instant such as 2026-01-31T09:00:00Z, not \"2026-01-31\"".into()),
        ("value.minor_units = 1.5", "value.minor_units at character 1 takes a whole number, not \"1.5\"".into()),
        ("value.minor_units = 9223372036854775808", "value.minor_units at character 1 takes a whole number, not \"9223372036854775808\"".into()),
        ("starred = 1", "starred at character 1 takes true or false, not \"1\"".into()),
        ("lead_id = null", "lead_id at character 1 is never null".into()),
        ("due_date < null", "due_date at character 1 compares with null only after = or !=".into()),
        ("email:(a OR b)", "email at character 1 takes a list only after = or !=".into()),
        ("state", "expected one of = != < <= > >= : after the field (a list is written field = (a OR b)), at character 6".into()),
        ("state in (new)", "expected one of = != < <= > >= : after the field (a list is written field = (a OR b)), at character 7".into()),
        ("state =", "expected a value, at character 8".into()),
        ("state = AND", "expected a value, at character 9".into()),
        ("state = ()", "expected a value, at character 10".into()),
        ("state = (new, won)", "expected OR (in capitals), or the list's closing bracket, at character 13".into()),
        ("(state = new", "expected AND or OR (in capitals), or a closing bracket, at character 13".into()),
        ("state = new starred = true", "expected AND or OR (in capitals), or the end, at character 13".into()),
        ("state = new and starred = true", "expected AND or OR (in capitals), or the end, at character 13".into()),
        ("state = new)", "expected AND or OR (in capitals), or the end, at character 12".into()),
        ("state = new AND", "expected a field, at character 16".into()),
        ("AND", "expected a field, at character 1".into()),
        ("\"state\" = new", "expected a field, at character 1".into()),
        ("email = \"x", "no closing quote for the one at character 9".into()),
        ("email = \"\\n\"", "a backslash that is not followed by \" or \\, in the quotes at character 9".into()),
        ("email = \"\0\"", "a NUL character at character 10".into()),
    ];

    for (text, problem) in table {
        assert_eq!(problems(text), [problem], "{text}");
    }
}

#[test]
fn several_faults_are_told_at_once_but_not_all_of_many() {
    assert_eq!(problems("a = 1 OR (state = x AND owner_id = y) OR").len(), 4);
    assert_eq!(problems(&["a = 1"; 40].join(" AND ")).len(), MAX_VIOLATIONS);
}

#[test]
fn size_is_bounded_and_the_bound_is_told() {
    let nested = |levels| format!("{}state = new{}", "(".repeat(levels), ")".repeat(levels));
    let negated = |levels| format!("{}state = new", "NOT ".repeat(levels));
    let wide = |count| vec!["state = new"; count].join(" OR ");
    let long = |bytes: usize| format!("email = {}", "x".repeat(bytes - 8));

    assert!(
        [nested(10), negated(10), wide(50), long(2_000)]
            .iter()
            .all(|text| parse(text, &FIELDS).is_ok())
    );
    assert_eq!(problems(&nested(11)), ["more than 10 levels of nesting at character 11"]);
    assert_eq!(problems(&negated(11)), ["more than 10 levels of nesting at character 41"]);
    assert_eq!(problems(&wide(51)), ["more than 50 comparisons at character 751"]);
    assert_eq!(problems(&long(2_001)), ["is longer than 2000 bytes"]);
    assert!(problems(&"(".repeat(2_000))[0].starts_with("more than 10 levels"));
    let long_name = "x".repeat(1_000);
    assert!(problems(&long_name)[0].len() < 200);
    assert!(
        problems(&format!("{long_name} = 1"))[0]
            .starts_with(&format!("no field \"{}\"…", &long_name[..40]))
    );
}
