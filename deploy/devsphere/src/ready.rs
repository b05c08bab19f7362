//! What `devsphere up` says when it is ready: one line for programs, or a page for people.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use crate::{
    demo::{Account, Example},
    folder::Folder,
    state::State,
};

/// Where agents have nobody to ask.
const NO_MODELS: &str = "
Agents write once they have a provider of models: a server of this machine, here Ollama, by starting
with

  --allow-private 127.0.0.1:11434 --ai-provider openai --ai-url http://127.0.0.1:11434/v1 --ai-model MODEL

or a key of the organisation's own, by AiProviderService/UpdateAiProvider, PATCH /api/v1/aiProvider.
";

/// What there is to say.
#[derive(Serialize)]
pub(crate) struct Ready {
    #[serde(flatten)]
    pub(crate) state: State,
    #[serde(rename = "demo")]
    pub(crate) people: Vec<Account>,
    /// In the run that made it, only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) admin_code: Option<String>,
    #[serde(skip)]
    pub(crate) example: Option<Example>,
    #[serde(skip)]
    pub(crate) has_tls: bool,
    #[serde(skip)]
    pub(crate) offers_ai: bool,
    #[serde(skip)]
    pub(crate) folder: Folder,
}

impl Ready {
    /// One line of JSON.
    pub(crate) fn line(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    /// A page of text.
    pub(crate) fn text(&self) -> String {
        let mut page = String::from("\nDevSphere is ready.\n\n");
        let mut row = |name: &str, what: &str| {
            let _ = writeln!(page, "  {name:<12} {what}");
        };
        let show = |path: std::path::PathBuf| path.display().to_string();
        for (name, address) in &self.state.listeners {
            row(name, address);
        }
        row("database", &self.state.database_url);
        row("log", "standard error");
        if self.folder.postgres_log().exists() {
            row("", &format!("{} (PostgreSQL's)", show(self.folder.postgres_log())));
        }
        row("keys", &show(self.folder.keys()));
        if let Some(code) = &self.admin_code {
            row("admin code", &format!("{code} (shown once; kept in the file admin-code there)"));
            row("", "PersonService/ClaimPlatformAdmin takes it, and makes its caller the");
            row("", "administrator of this installation");
        }
        page.push_str(&self.demo());
        if !self.offers_ai {
            page.push_str(NO_MODELS);
        }
        page.push_str("\nCtrl-C stops it.\n");
        page
    }

    fn demo(&self) -> String {
        let mut text = String::new();
        if !self.people.is_empty() {
            text.push_str("\nDemo users of Northwind Studio (demo):\n\n");
        }
        for person in &self.people {
            let Account { email, password, role, display_name } = person;
            let _ = writeln!(text, "  {role:<8} {display_name:<16} {email:<34} {password}");
        }
        if let Some(example) = &self.example {
            text.push_str(&self.calls(example));
        }
        text
    }

    /// Calls to copy and paste.
    fn calls(&self, example: &Example) -> String {
        let own = self.folder.grpcurl();
        let grpcurl = if own.exists() { own.display().to_string() } else { "grpcurl".into() };
        let gateway = &self.state.gateway;
        // The certificate is for a name, and rarely for the address that we listen at.
        let mode = if self.has_tls { "-insecure" } else { "-plaintext" };
        let Account { email, password, role, display_name } = &example.account;
        format!(
            r#"
Try it, as {display_name} ({role}):

{grpcurl} {mode} \
  -H 'authorization: Bearer {token}' \
  -d '{{"filter": "state = qualified", "order_by": "create_time desc", "page_size": 3}}' \
  {gateway} devsphere.crm.v1.LeadService/ListLeads

The token is good for ten minutes; this gives another one, as accessToken:

{grpcurl} {mode} \
  -d '{{"email": "{email}", "password": "{password}"}}' \
  {gateway} devsphere.identity.v1.SessionService/SignIn
"#,
            token = example.access_token,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn text(offers_ai: bool) -> String {
        let state = State {
            pid: 1,
            gateway: "127.0.0.1:8080".into(),
            database_url: "postgres://127.0.0.1/devsphere".into(),
            listeners: BTreeMap::new(),
        };
        let (people, admin_code, example) = (Vec::new(), None, None);
        let folder = Folder::find(Some("/nowhere".as_ref())).unwrap();
        Ready { state, people, admin_code, example, has_tls: false, offers_ai, folder }.text()
    }

    #[test]
    fn who_offers_no_provider_of_models_is_told_how_and_nobody_else() {
        let told = text(false);

        assert!(told.contains("--allow-private 127.0.0.1:11434") && told.contains("aiProvider"));
        assert_eq!(text(true), told.replace(NO_MODELS, ""));
    }
}
