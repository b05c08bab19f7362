//! What `devsphere up` says when it is ready: one line for programs, or a page for people.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

use crate::{
    admin_code,
    demo::{Account, Example},
    folder::Folder,
    state::State,
};

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
        row("logs", &format!("here; PostgreSQL's: {}", show(self.folder.postgres_log())));
        row("keys", &format!("{} (without them the data is of no use)", show(self.folder.keys())));
        if let Some(code) = &self.admin_code {
            row(
                "admin code",
                &format!(
                    "{code} (shown this once; makes its first user the \
                platform's administrator, by PersonService/ClaimPlatformAdmin)"
                ),
            );
            row("", &format!("kept in {}", show(admin_code::path(&self.folder))));
        }
        if let Some(example) = &self.example {
            page.push_str(&self.demo(example));
        }
        page.push_str("\nCtrl-C stops it.\n");
        page
    }

    fn demo(&self, example: &Example) -> String {
        let mut text = String::from("\nDemo users of Northwind Studio (demo):\n\n");
        for person in &self.people {
            let Account { email, password, role, display_name } = person;
            let _ = writeln!(text, "  {role:<8} {display_name:<16} {email:<34} {password}");
        }
        let own = self.folder.grpcurl();
        let grpcurl = if own.exists() { own.display().to_string() } else { "grpcurl".into() };
        let (token, gateway) = (&example.access_token, &self.state.gateway);
        let Account { email, password, .. } = &example.account;
        let _ = write!(
            text,
            "
Try it, as {name} ({role}):

{grpcurl} -plaintext \\
  -H 'authorization: Bearer {token}' \\
  -d '{{\"filter\": \"state = qualified\", \"order_by\": \"create_time desc\", \"page_size\": 3}}' \\
  {gateway} devsphere.crm.v1.LeadService/ListLeads

The token is good for ten minutes; another one, as accessToken:

{grpcurl} -plaintext \\
  -d '{{\"email\": \"{email}\", \"password\": \"{password}\"}}' \\
  {gateway} devsphere.identity.v1.SessionService/SignIn
",
            name = example.account.display_name,
            role = example.account.role,
        );
        text
    }
}
