//! Records that clients may name: `crm/leads/0190…`, by the option `resource` of their messages.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use crate::{Access, BadContract, Method, Permission, contract::option};

/// A kind of record that clients name, and how it is read.
#[derive(Debug)]
pub struct Resource {
    /// As in `crm/leads`; the part before the slash is the module.
    pub collection: &'static str,
    /// As in `crm`.
    pub module: &'static str,
    /// The message of one record.
    pub message: MessageDescriptor,
    /// Reads up to 200 of them by id.
    pub batch_get: &'static Method,
    /// Lists those that the caller sees.
    pub list: &'static Method,
    id: FieldDescriptor,
    titles: Vec<FieldDescriptor>,
    state: Option<FieldDescriptor>,
    url: String,
}

impl Resource {
    /// The resource that a message declares, if it declares one.
    ///
    /// # Errors
    /// What is missing of it.
    pub(crate) fn of(
        message: MessageDescriptor,
        methods: &[&'static Method],
    ) -> Result<Option<Self>, BadContract> {
        let Some(declared) = option(&message.options(), "resource") else { return Ok(None) };
        let bad = |problem: &str| BadContract::Method {
            method: message.full_name().into(),
            problem: problem.into(),
        };
        let declared = declared.as_message().ok_or_else(|| bad("its resource is no message"))?;
        let text = |name: &str| {
            let value = declared.get_field_by_name(name);
            value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
        };
        let field = |name: &str| {
            let field = message.get_field_by_name(name);
            field.ok_or_else(|| bad("its resource names a field that is not there"))
        };
        let collection: &'static str = text("collection").leak();
        let module = collection.split('/').next().unwrap_or_default();
        if !message.full_name().starts_with(&format!("devsphere.{module}.")) {
            return Err(bad("its collection begins with another module"));
        }
        let titles = declared.get_field_by_name("title");
        let titles = titles.as_deref().and_then(Value::as_list).unwrap_or_default();
        let titles =
            titles.iter().filter_map(Value::as_str).map(field).collect::<Result<_, _>>()?;
        let state = text("state");
        let state = if state.is_empty() { None } else { Some(field(&state)?) };
        let reads = |verb: &str| {
            let mut found = methods.iter().copied().filter(|method| {
                method.reads
                    && method.descriptor.name().starts_with(verb)
                    && answers(method, &message)
            });
            found.next().filter(|_| found.next().is_none())
        };
        Ok(Some(Self {
            collection,
            module,
            batch_get: reads("BatchGet").ok_or_else(|| bad("no BatchGet answers it"))?,
            list: reads("List").ok_or_else(|| bad("no List answers it"))?,
            id: field(&text("id"))?,
            titles,
            state,
            url: text("url"),
            message,
        }))
    }

    /// The permission that reading one takes.
    pub fn permission(&self) -> Option<Permission> {
        match self.batch_get.access {
            Access::Granted { permission, .. } => permission,
            _ => None,
        }
    }

    /// The request of its `BatchGet`, for those that can be read among these.
    pub fn batch_get_request(&self, ids: impl IntoIterator<Item = String>) -> DynamicMessage {
        let mut request = DynamicMessage::new(self.batch_get.descriptor.input());
        let ids = ids.into_iter().map(Value::String).collect();
        let field = format!("{}s", self.id.name());
        let _ = request.try_set_field_by_name(&field, Value::List(ids));
        let _ = request.try_set_field_by_name("allow_partial", Value::Bool(true));
        request
    }

    /// The request of its `List`, for one page.
    pub fn list_request(&self, page_size: i32, page_token: String) -> DynamicMessage {
        let mut request = DynamicMessage::new(self.list.descriptor.input());
        let _ = request.try_set_field_by_name("page_size", Value::I32(page_size));
        let _ = request.try_set_field_by_name("page_token", Value::String(page_token));
        request
    }

    /// Its noun, as in `content_piece`: what events and approvals call it.
    pub fn noun(&self) -> &str {
        self.id.name().trim_end_matches("_id")
    }

    /// The request of a verb on the record of that id.
    pub fn verb_request(&self, verb: &Method, id: String) -> DynamicMessage {
        let mut request = DynamicMessage::new(verb.descriptor.input());
        let _ = request.try_set_field_by_name(self.id.name(), Value::String(id));
        request
    }

    /// The records in an answer of one of the two.
    pub fn records(&self, answer: &DynamicMessage) -> Vec<DynamicMessage> {
        let lists = answer.fields().filter(|(field, _)| holds(field, &self.message));
        let items = lists.filter_map(|(_, value)| value.as_list()).flatten();
        items.filter_map(|item| item.as_message().cloned()).collect()
    }

    /// The id in a record.
    pub fn id(&self, record: &DynamicMessage) -> String {
        word(&self.id, record)
    }

    /// The name by which clients know it.
    pub fn name(&self, record: &DynamicMessage) -> String {
        self.name_of(self.id(record))
    }

    /// The name of the record of that id.
    pub fn name_of(&self, id: impl std::fmt::Display) -> String {
        format!("{}/{id}", self.collection)
    }

    /// What people know it by: the first of its titles that is not empty.
    pub fn title(&self, record: &DynamicMessage) -> String {
        let mut titles = self.titles.iter().map(|field| word(field, record));
        titles.find(|title| !title.is_empty()).unwrap_or_default()
    }

    /// Its state in one word, as in `qualified`; empty where it has none.
    pub fn state(&self, record: &DynamicMessage) -> String {
        self.state.as_ref().map(|field| word(field, record)).unwrap_or_default()
    }

    /// Where the console shows it, from the root of the installation's address.
    pub fn url(&self, record: &DynamicMessage) -> String {
        self.url.replace(&format!("{{{}}}", self.id.name()), &self.id(record))
    }
}

/// Whether the method's answer is a list of that message.
fn answers(method: &Method, message: &MessageDescriptor) -> bool {
    method.descriptor.output().fields().any(|field| holds(&field, message))
}

fn holds(field: &FieldDescriptor, message: &MessageDescriptor) -> bool {
    field.is_list() && matches!(field.kind(), Kind::Message(inner) if inner == *message)
}

/// A text as it is; a value of an enum without the enum's name before it.
fn word(field: &FieldDescriptor, record: &DynamicMessage) -> String {
    let value = record.get_field(field);
    match (&*value, field.kind()) {
        (Value::String(text), _) => text.clone(),
        (Value::EnumNumber(number), Kind::Enum(kind)) => {
            let prefix = kind.default_value().name().replace("UNSPECIFIED", "");
            let known = kind.get_value(*number);
            let known = known.as_ref().and_then(|known| known.name().strip_prefix(&prefix));
            known.unwrap_or_default().to_lowercase()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::Contract;

    use super::*;

    fn lead(fields: &[(&str, Value)]) -> (&'static Resource, DynamicMessage) {
        let resource = Contract::get().unwrap().resource("crm/leads").unwrap();
        let mut record = DynamicMessage::new(resource.message.clone());
        for (name, value) in fields {
            record.set_field_by_name(name, value.clone());
        }
        (resource, record)
    }

    #[test]
    fn a_record_is_shown_by_its_first_title_its_state_and_its_place() {
        let text = |text: &str| Value::String(text.into());
        let (leads, record) = lead(&[
            ("lead_id", text("0190")),
            ("company", text("Lindqvist Interiors")),
            ("state", Value::EnumNumber(3)),
        ]);

        assert_eq!(leads.name(&record), "crm/leads/0190");
        assert_eq!(leads.title(&record), "Lindqvist Interiors");
        assert_eq!(leads.state(&record), "qualified");
        assert_eq!(leads.url(&record), "/crm/leads/0190");
        assert_eq!(leads.permission().map(|needed| needed.name), Some("crm.leads.read"));
    }

    #[test]
    fn every_resource_has_the_requests_that_read_it() {
        for resource in Contract::get().unwrap().resources() {
            let ids = resource.batch_get_request(["one".to_owned()]);
            let page = resource.list_request(7, "token".into());

            assert_eq!(ids.fields().count(), 2, "{}", resource.collection);
            assert_eq!(page.fields().count(), 2, "{}", resource.collection);
        }
    }
}
