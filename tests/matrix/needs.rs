//! What a method stands on, read off its contract: records, secrets, masks, verbs before it.

use std::collections::BTreeSet;

use devsphere_proto::{Access, Contract, Method};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::{
    fill::Known,
    rules::{Rules, noun, ours, places},
};

/// The code that the first start prints, as the contract's example has it.
pub const CODE: &str = "3N7Q-9XKD-FT2M-WZ8R";

/// A field whose value another method shows under another name: field, and name in the answer.
const SHOWN_AS: [(&str, &str); 1] = [("credential", "access_token")];

/// What a request must name.
#[derive(Debug, Default)]
pub struct Needs {
    /// Records, by noun.
    pub nouns: BTreeSet<String>,
    /// Of those, the ones that it names several of.
    pub lists: BTreeSet<String>,
    /// Fields that take what was shown once.
    pub secrets: BTreeSet<String>,
}

impl Needs {
    pub fn of(method: &Method) -> Self {
        let mut needs = Self::default();
        let own = creates(method);
        for place in places(&method.descriptor.input()) {
            let field = place.field();
            match noun(field) {
                // Its own id, or another of its kind: the first of them has none beside it.
                Some(noun) if own.as_deref() == Some(&noun) => {}
                Some(noun) => {
                    if field.is_list() {
                        needs.lists.insert(noun.clone());
                    }
                    needs.nouns.insert(noun);
                }
                None if is_secret(field) => {
                    needs.secrets.insert(field.name().to_owned());
                }
                None => {}
            }
        }
        needs
    }
}

impl Needs {
    /// The nouns, those first that stand on fewest others: what is made later stands on what is there
    /// already.
    pub fn by_standing(&self, contract: &'static Contract) -> Vec<String> {
        let stands_on = |noun: &String| {
            let method = contract.methods().find(|method| creates(method).as_ref() == Some(noun));
            method.map_or(0, |method| Self::of(method).nouns.len())
        };
        let mut nouns: Vec<_> = self.nouns.iter().cloned().collect();
        nouns.sort_by_key(stands_on);
        nouns
    }
}

/// The field is the id of a record of that noun, not of somebody beside it.
pub fn names_it(field: &FieldDescriptor, noun: &str) -> bool {
    field.name() == format!("{noun}_id") || field.name() == format!("{noun}_ids")
}

fn is_secret(field: &FieldDescriptor) -> bool {
    let token = field.name().ends_with("_token") || field.name() == "assertion";
    let needed = Rules::of(field).number("string", "min_len").is_some_and(|least| least > 0);
    needed && (token || shown_as(field.name()) != field.name())
}

/// What the answer that shows the field's value calls it.
pub fn shown_as(field: &str) -> &str {
    SHOWN_AS.iter().find(|(name, _)| *name == field).map_or(field, |(_, shown)| shown)
}

/// The methods whose answer shows it once and whose request does not ask for it; those that found
/// nothing anew come first.
pub fn showing(contract: &'static Contract, name: &str) -> Vec<&'static Method> {
    let shows = |method: &&Method| {
        let field = method.descriptor.output().get_field_by_name(name);
        let asks = Needs::of(method).secrets.iter().any(|secret| shown_as(secret) == name);
        method.secret_answer && field.is_some() && !asks
    };
    let mut methods: Vec<_> = contract.methods().filter(shows).collect();
    methods.sort_by_key(|method| method.descriptor.name() == "SignUp");
    methods
}

/// Makes records, one or many.
pub fn is_create(method: &Method) -> bool {
    let name = method.descriptor.name();
    name.strip_prefix("Batch").unwrap_or(name).starts_with("Create")
}

/// Records that a verb makes: the end of its path, and the noun.
const MAKES: [(&str, &str); 1] = [("seo.v1.GenerationService/GenerateDraft", "generation")];

/// The noun of the record that a Create makes: the message in its answer that carries its own id.
pub fn creates(method: &Method) -> Option<String> {
    if let Some((_, noun)) = MAKES.iter().find(|(verb, _)| method.path.ends_with(verb)) {
        return Some((*noun).to_owned());
    }
    if !method.descriptor.name().starts_with("Create") {
        return None;
    }
    let output = method.descriptor.output();
    let inner: Vec<_> = output.fields().filter_map(|field| ours(&field)).collect();
    [output].into_iter().chain(inner).find_map(|message| own_noun(&message))
}

/// The noun of the records that a List shows.
pub fn lists(method: &Method) -> Option<String> {
    if !method.descriptor.name().starts_with("List") {
        return None;
    }
    let mut fields = method.descriptor.output().fields().collect::<Vec<_>>().into_iter();
    fields.find_map(|field| {
        ours(&field).filter(|_| field.is_list()).and_then(|message| own_noun(&message))
    })
}

/// The ids of the records of that noun in a List's answer.
pub fn listed(answer: &DynamicMessage, noun: &str) -> Vec<String> {
    let items = answer.fields().filter_map(|(_, value)| value.as_list().map(<[Value]>::to_vec));
    let ids = |item: Value| ids_in(item.as_message()?).remove(noun)?.into_iter().next();
    items.flatten().filter_map(ids).collect()
}

fn own_noun(message: &MessageDescriptor) -> Option<String> {
    let snake = |name: &str| {
        let step = |(place, letter): (usize, char)| match letter {
            capital if capital.is_uppercase() && place > 0 => {
                format!("_{}", capital.to_lowercase())
            }
            letter => letter.to_lowercase().to_string(),
        };
        name.char_indices().map(step).collect::<String>()
    };
    let own = snake(message.name());
    let id = message.get_field_by_name(&format!("{own}_id"))?;
    (noun(&id).as_deref() == Some(&own)).then_some(own)
}

/// The ids in an answer, by noun: those that stand alone, not those in lists.
pub fn ids_in(message: &DynamicMessage) -> Known {
    let mut found = Known::new();
    for (field, value) in message.fields() {
        match (noun(&field), value) {
            (Some(noun), Value::String(id)) if names_it(&field, &noun) => {
                found.entry(noun).or_default().insert(0, id.clone());
            }
            (None, Value::Message(inner)) => {
                for (noun, ids) in ids_in(inner) {
                    found.entry(noun).or_default().extend(ids);
                }
            }
            _ => {}
        }
    }
    found
}

/// The fields of the resource beside an update mask.
pub fn maskable(method: &Method) -> Vec<String> {
    let input = method.descriptor.input();
    let is_mask = |field: &FieldDescriptor| match field.kind() {
        Kind::Message(message) => message.full_name() == "google.protobuf.FieldMask",
        _ => false,
    };
    if !input.fields().any(|field| is_mask(&field)) {
        return Vec::new();
    }
    let resources = input.fields().filter_map(|field| ours(&field));
    resources.flat_map(|resource| names(&resource)).collect()
}

fn names(message: &MessageDescriptor) -> Vec<String> {
    message.fields().map(|field| field.name().to_owned()).collect()
}

/// What might lead to a method's answer: nothing, one verb on its record, two, or an update of it.
pub fn ways_to(contract: &'static Contract, method: &Method) -> Vec<Vec<&'static Method>> {
    let Some(noun) = record(method) else { return vec![Vec::new()] };
    let changes = |other: &&'static Method| {
        !other.reads
            && other.descriptor.parent_service() == method.descriptor.parent_service()
            && matches!(other.access, Access::Granted { .. })
            && creates(other).is_none()
            && record(other).as_deref() == Some(&noun)
    };
    let is_verb = |other: &&'static Method| {
        other.descriptor.input().get_field_by_name(&format!("{noun}_id")).is_some()
    };
    let (verbs, others): (Vec<_>, Vec<_>) = contract.methods().filter(changes).partition(is_verb);
    let updates =
        others.into_iter().filter(|other| other.path != method.path && !maskable(other).is_empty());
    let one = verbs.iter().map(|verb| vec![*verb]);
    let two = verbs.iter().flat_map(|first| verbs.iter().map(|second| vec![*first, *second]));
    let update = updates.map(|update| vec![update]);
    [Vec::new()].into_iter().chain(one).chain(two).chain(update).collect()
}

/// The noun whose record the method is about.
pub fn record(method: &Method) -> Option<String> {
    let named = |place: super::rules::Place| {
        let field = place.field();
        noun(field).filter(|noun| names_it(field, noun) && creates(method).as_ref() != Some(noun))
    };
    places(&method.descriptor.input()).into_iter().find_map(named)
}

/// The fields that name records, with their nouns.
pub fn named(method: &Method) -> Vec<(super::rules::Place, String)> {
    let named = |place: super::rules::Place| {
        let noun = noun(place.field())?;
        Some((place, noun))
    };
    places(&method.descriptor.input()).into_iter().filter_map(named).collect()
}
