//! What is measured: three calls, as clients make them and as the service asks PostgreSQL for them.

use devsphere_proto::{
    crm::v1::{
        CreateLeadRequest, GetLeadRequest, Lead, ListLeadsRequest,
        lead_service_client::LeadServiceClient,
    },
    r#type::v1::Money,
};
use prost::Message as _;
use serde_json::{Value, json};
use tonic::Status;
use uuid::Uuid;

use super::pgbench::Script;
use crate::whole::Signed;

/// A page as clients show it.
const PAGE: i32 = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Get,
    List,
    Create,
}

impl Operation {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get one",
            Self::List => "list 50",
            Self::Create => "create one",
        }
    }

    pub const fn path(self) -> &'static str {
        match self {
            Self::Get => "/devsphere.crm.v1.LeadService/GetLead",
            Self::List => "/devsphere.crm.v1.LeadService/ListLeads",
            Self::Create => "/devsphere.crm.v1.LeadService/CreateLead",
        }
    }
}

/// What is there, and what the service says to get it.
#[derive(Clone, Default)]
pub struct Stored {
    /// Some of the organisation's.
    pub leads: Vec<Uuid>,
    /// Every statement that the service prepared.
    pub statements: Vec<String>,
    /// What one create left: the lead, its event, and its answer.
    pub lead_id: Uuid,
    pub event: Value,
    pub answer: Vec<u8>,
}

impl Stored {
    /// Makes each call once, and looks at what comes back.
    pub async fn every(&self, client: &mut LeadServiceClient<Signed>) -> Result<(), Status> {
        let lead_id = self.leads[0].to_string();
        let got = client.get_lead(GetLeadRequest { lead_id: lead_id.clone() }).await?.into_inner();
        assert_eq!(got.lead_id, lead_id);
        let list = ListLeadsRequest { page_size: PAGE, ..ListLeadsRequest::default() };
        assert_eq!(client.list_leads(list).await?.into_inner().leads.len(), 50);
        let created = client.create_lead(create(&id(0))).await?.into_inner();
        assert_eq!(created.display_name, lead().display_name);
        Ok(())
    }

    /// The next call's message.
    pub fn body(&self, operation: Operation, number: u64, is_json: bool) -> Vec<u8> {
        let lead_id = || {
            let place = usize::try_from(number).unwrap() % self.leads.len();
            self.leads[place].to_string()
        };
        match (operation, is_json) {
            (Operation::Get, false) => GetLeadRequest { lead_id: lead_id() }.encode_to_vec(),
            (Operation::Get, true) => json!({"leadId": lead_id()}).to_string().into(),
            (Operation::List, false) => {
                ListLeadsRequest { page_size: PAGE, ..ListLeadsRequest::default() }.encode_to_vec()
            }
            (Operation::List, true) => json!({"pageSize": PAGE}).to_string().into(),
            (Operation::Create, false) => create(&id(number)).encode_to_vec(),
            (Operation::Create, true) => {
                let Lead { display_name, company, email, phone, source, tags, note, .. } = lead();
                json!({
                    "lead": {
                        "displayName": display_name, "company": company, "email": email, "phone": phone,
                        "source": source, "tags": tags, "note": note,
                        "value": {"minorUnits": "250000", "currencyCode": "EUR"},
                    },
                    "requestId": id(number),
                })
                .to_string()
                .into()
            }
        }
    }

    /// The same for pgbench: the transaction of that ticket around the service's own statement.
    pub fn script(&self, operation: Operation, ticket: &str) -> Script {
        let open = |mode: &str| {
            format!("begin{mode};\nselect set_config('devsphere.ticket', '{ticket}', true);\n")
        };
        let variable = |name: &str, value: String| (name.to_owned(), value);
        match operation {
            Operation::Get => {
                let query = self.statement("= any ($1)");
                let text = |place: usize| {
                    let query = query.replace("$1", &format!(":lead{place}"));
                    format!("{}{query};\nrollback;\n", open(" read only"))
                };
                let leads = self.leads.iter().enumerate();
                let variables = leads
                    .map(|(place, lead)| variable(&format!("lead{place}"), format!("{{{lead}}}")));
                Script {
                    texts: (0..self.leads.len()).map(text).collect(),
                    variables: variables.collect(),
                }
            }
            Operation::List => {
                let query = self.statement("select array[").replace("$1", ":rows");
                Script {
                    texts: vec![format!("{}{query};\nrollback;\n", open(" read only"))],
                    // One more than asked for tells whether there is a next page.
                    variables: vec![variable("rows", (PAGE + 1).to_string())],
                }
            }
            Operation::Create => self.create_script(&open("")),
        }
    }

    fn create_script(&self, open: &str) -> Script {
        let fresh = |name: &str| {
            format!("('{}' || lpad(to_hex(:{name}::bigint), 12, '0'))", id(0).split_at(24).0)
        };
        let draft =
            format!("jsonb_set(:draft::jsonb, '{{0,lead_id}}', to_jsonb({}))", fresh("lead"));
        let insert = self.statement("insert into crm.lead").replace("$1", &draft);
        let method = Operation::Create.path();
        let request = format!("{}::uuid", fresh("request"));
        let text = format!(
            "\\set lead random(0, 281474976710655)\n\\set request random(0, 281474976710655)\n\
             {open}select platform.once('{method}', {request}, :hash);\n{insert};\n\
             select platform.record(:changes, '{method}', :trace, :address::text::inet, {request}, :answer);\n\
             commit;\n"
        );
        let changes = json!([{
            "name": "lead.created", "noun": "lead", "record_id": self.lead_id, "version": 1,
            "before": null, "after": self.event,
        }]);
        let hex = |bytes: &[u8]| {
            bytes.iter().fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}"))
        };
        let variable = |name: &str, value: String| (name.to_owned(), value);
        let variables = vec![
            variable("draft", json!([self.draft()]).to_string()),
            variable("changes", changes.to_string()),
            variable("hash", hex(&[7; 32])),
            variable("trace", Uuid::now_v7().to_string()),
            variable("address", "127.0.0.1".into()),
            variable("answer", hex(&self.answer)),
        ];
        Script { texts: vec![text], variables }
    }

    /// What the service sends as a draft is a part of what becomes of it.
    fn draft(&self) -> Value {
        let mut draft = self.event.clone();
        let fields = draft.as_object_mut().unwrap();
        for only_later in ["state", "reason", "create_time", "state_time", "delete_time"] {
            fields.remove(only_later);
        }
        draft
    }

    fn statement(&self, part: &str) -> &str {
        let found = self.statements.iter().find(|text| text.contains(part));
        found.expect(part)
    }
}

/// An id for each number below 2⁴⁸.
fn id(number: u64) -> String {
    format!("6c9b1c34-0d1f-4a5e-8f00-{number:012x}")
}

fn create(request_id: &str) -> CreateLeadRequest {
    CreateLeadRequest {
        lead: Some(lead()),
        request_id: request_id.into(),
        ..CreateLeadRequest::default()
    }
}

fn lead() -> Lead {
    Lead {
        display_name: "Maria Lindqvist".into(),
        company: "Lindqvist Interiors".into(),
        email: "maria@lindqvist.example".into(),
        phone: "+46 8 123 456".into(),
        source: "website".into(),
        value: Some(Money { minor_units: 250_000, currency_code: "EUR".into() }),
        tags: vec!["warm".into(), "2026".into()],
        note: "Met at the fair.".into(),
        ..Lead::default()
    }
}
