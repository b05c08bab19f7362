//! Two organisations with rows in every table: north, who was there, and south, who intrudes.

use devsphere_auth::{Kind, PermissionSet, TicketFields, TicketKey, module_bits};
use devsphere_proto::{
    Contract,
    administration::v1::{
        self as administration, agent_service_client::AgentServiceClient,
        ai_provider_service_client::AiProviderServiceClient,
        settings_service_client::SettingsServiceClient,
    },
    crm::v1::{self as crm, lead_service_client::LeadServiceClient},
    identity::v1::{self as identity, session_service_client::SessionServiceClient},
    seo::v1::{
        self as seo, content_piece_service_client::ContentPieceServiceClient,
        keyword_service_client::KeywordServiceClient, site_service_client::SiteServiceClient,
    },
    r#type::v1::Content,
};
use devsphere_testkit::{Speak, World};
use sqlx::{Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use super::MODULES;

const PASSWORD: &str = "correct horse battery staple";

/// A founder and their organisation.
pub(super) struct Place {
    pub(super) org: Uuid,
    pub(super) person: Uuid,
    pub(super) session: Uuid,
    /// Of the lead that the founder made; its answer is stored.
    pub(super) request_id: Uuid,
}

/// The two of them in one database.
pub(super) struct Neighbours {
    pub(super) world: World,
    pub(super) north: Place,
    pub(super) south: Place,
}

impl Neighbours {
    /// Signs up both, and lets each leave a row in every table.
    pub(super) async fn arrange() -> Self {
        let world = World::start(&MODULES).await;
        let mut admin = world.admin().await;
        admin.execute("update identity.instance set sign_up_chosen = true").await.unwrap();
        admin
            .execute("insert into identity.sign_up_invitation values ('\\x00', false, 'infinity')")
            .await
            .unwrap();
        let (north, south) =
            (Place::found(&world, "north").await, Place::found(&world, "south").await);
        // Nobody is kept out here.
        admin
            .execute(
                "insert into identity.revocation (person_id, organization_id, epoch)
                 select person_id, org_id, epoch from identity.member",
            )
            .await
            .unwrap();
        // No model is asked here.
        admin
            .execute(sqlx::raw_sql(
                "insert into agent.usage (org_id, usage_id, generation_id, agent_key, step, person_id,
                     provider_host, model, state, month, expire_time)
                 select org_id, gen_random_uuid(), gen_random_uuid(), 'seo-content-writer', 'draft', person_id,
                     'api.example.com', 'model-1', 'running', '2026-11-01', now() + interval '1 minute'
                 from identity.member;
                 insert into agent.month (org_id, month, currency_code, tokens, cost_micros)
                 select org_id, '2026-11-01', 'USD', 1000, 3000 from identity.organization;
                 insert into seo.generation (org_id, generation_id, content_piece_id, state, asked_by, lease_time)
                 select org_id, gen_random_uuid(), content_piece_id, 'failed', gen_random_uuid(), now()
                 from seo.content_piece",
            ))
            .await
            .unwrap();
        // No sealer runs here.
        admin
            .execute(sqlx::raw_sql(
                "insert into platform.audit_seal
                 select org_id, row_number() over (partition by org_id order by audit_id), audit_id, '\\x00'
                 from platform.audit;
                 insert into platform.audit_head (chain, position, hash)
                 select org_id, max(position), '\\x00' from platform.audit_seal group by org_id;
                 insert into platform.audit_root values (1, '{}', '\\x00')",
            ))
            .await
            .unwrap();
        Self { world, north, south }
    }

    /// A connection under the role of a module.
    pub(super) async fn connect(&self, module: &str) -> PgConnection {
        let options = self.world.backend().options(&format!("devsphere_{module}"));
        PgConnection::connect_with(&options).await.unwrap()
    }

    /// The database's own ticket key.
    pub(super) fn key(&self) -> &TicketKey {
        &self.world.backend().keys.ticket
    }

    /// The ticket that the founder really has.
    pub(super) fn ticket(&self, place: &Place) -> String {
        self.key().ticket(&fields(place)).as_str().to_owned()
    }

    /// Everything that is no ticket of north's, but would like to be; and the SQLSTATE it gets.
    pub(super) fn worthless(&self) -> Vec<(&'static str, Option<String>, &'static str)> {
        let (north, south) = (fields(&self.north), fields(&self.south));
        let sign = |key: &TicketKey, fields: &TicketFields| key.ticket(fields).as_str().to_owned();
        let kid = self.key().kid().to_owned();
        let (of_north, of_south) = (sign(self.key(), &north), sign(self.key(), &south));
        let expired = sign(self.key(), &TicketFields { expires: now() - 60, ..north });
        let with = |place: usize, word: &str| altered(&of_south, place, word);
        let part = |place: usize| of_north.split('.').nth(place).unwrap();
        let (signed, mac) = of_north.rsplit_once('.').unwrap();
        vec![
            ("none", None, "42704"),
            ("empty", Some(String::new()), "DV002"),
            ("expired", Some(expired.clone()), "DV001"),
            ("another key", Some(sign(&TicketKey::new(kid, [7; 32]), &north)), "DV002"),
            ("unknown key", Some(sign(&TicketKey::new("other".into(), [7; 32]), &north)), "DV002"),
            ("altered version", Some(with(0, "2")), "DV002"),
            ("altered key", Some(with(1, "other")), "DV002"),
            ("altered end", Some(altered(&expired, 2, part(2))), "DV002"),
            ("altered kind", Some(with(3, "job")), "DV002"),
            ("altered organisation", Some(with(4, part(4))), "DV002"),
            ("altered person", Some(with(5, part(5))), "DV002"),
            ("altered session", Some(with(6, part(6))), "DV002"),
            ("altered client", Some(with(7, part(5))), "DV002"),
            ("altered modules", Some(with(8, &i64::MAX.to_string())), "DV002"),
            ("altered signature", Some(with(9, mac)), "DV002"),
            ("no signature", Some(format!("{signed}.")), "DV002"),
            ("cut short", Some(of_north[..of_north.len() - 1].to_owned()), "DV002"),
            ("a field less", Some(signed.to_owned()), "DV002"),
            ("a field more", Some(format!("{of_north}.0")), "DV002"),
            ("a field between", Some(format!("{signed}.0.{mac}")), "DV002"),
            ("two of them", Some(format!("{of_north}.{of_south}")), "DV002"),
            ("space around", Some(format!(" {of_north} ")), "DV002"),
        ]
    }
}

/// The ticket with one field changed and the signature left.
fn altered(ticket: &str, place: usize, word: &str) -> String {
    let mut parts: Vec<&str> = ticket.split('.').collect();
    parts[place] = word;
    parts.join(".")
}

impl Place {
    async fn found(world: &World, name: &str) -> Self {
        let mut sessions = SessionServiceClient::new(world.channel("identity"));
        let sign_up = identity::SignUpRequest {
            email: format!("founder@{name}.example"),
            password: PASSWORD.into(),
            display_name: format!("Founder of {name}"),
            organization_display_name: name.into(),
            ..Default::default()
        };
        let grant = sessions.sign_up(sign_up).await.unwrap().into_inner();
        let mistyped = identity::SignInRequest {
            email: format!("founder@{name}.example"),
            password: format!("{PASSWORD}r"),
            organization_id: String::new(),
        };
        sessions.sign_in(mistyped).await.unwrap_err();

        let gateway = Speak::peer(world.channel("identity"), "gateway");
        let mut assertions =
            identity::assertion_service_client::AssertionServiceClient::new(gateway);
        let exchange = identity::ExchangeRequest { credential: grant.access_token };
        let assertion = assertions.exchange(exchange).await.unwrap().into_inner().assertion;
        let member = identity::Member {
            email: format!("colleague@{name}.example"),
            role: identity::Role::Sales.into(),
            ..Default::default()
        };
        identity::member_service_client::MemberServiceClient::new(
            world.with_assertion("identity", &assertion),
        )
        .create_member(identity::CreateMemberRequest { member: Some(member), ..Default::default() })
        .await
        .unwrap();
        let request_id = Uuid::now_v7();
        let create = crm::CreateLeadRequest {
            lead: Some(crm::Lead { display_name: format!("lead of {name}"), ..Default::default() }),
            request_id: request_id.to_string(),
            validate_only: false,
        };
        LeadServiceClient::new(world.with_assertion("crm", &assertion))
            .create_lead(create)
            .await
            .unwrap();
        settle(world, &assertion, name).await;
        offer(world, &assertion, name).await;
        publish(world, &assertion, name).await;
        Self {
            org: grant.organization_id.parse().unwrap(),
            person: grant.person.unwrap().person_id.parse().unwrap(),
            session: grant.session_id.parse().unwrap(),
            request_id,
        }
    }
}

/// Settings of the founder's own, a provider of models, and an agent that is off.
async fn settle(world: &World, assertion: &str, name: &str) {
    let rename = administration::UpdateSettingsRequest {
        settings: Some(administration::Settings {
            branding: Some(administration::Branding {
                portal_title: format!("portal of {name}"),
                ..Default::default()
            }),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["branding".into()] }),
        ..Default::default()
    };
    SettingsServiceClient::new(world.with_assertion("administration", assertion))
        .update_settings(rename)
        .await
        .unwrap();
    let connect = administration::UpdateAiProviderRequest {
        ai_provider: Some(administration::AiProvider {
            kind: administration::AiProviderKind::Anthropic.into(),
            model: "model-1".into(),
            api_key: format!("sk-of-{name}"),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["kind".into(), "model".into(), "api_key".into()],
        }),
        ..Default::default()
    };
    AiProviderServiceClient::new(world.with_assertion("administration", assertion))
        .update_ai_provider(connect)
        .await
        .unwrap();
    let mut agents = AgentServiceClient::new(world.with_assertion("administration", assertion));
    let list = agents.list_agents(administration::ListAgentsRequest {});
    let agent_id = list.await.unwrap().into_inner().agents.remove(0).agent_id;
    let pause = administration::PauseAgentRequest { agent_id, ..Default::default() };
    agents.pause_agent(pause).await.unwrap();
}

/// A custom role, and an invitation.
async fn offer(world: &World, assertion: &str, name: &str) {
    let channel = || world.with_assertion("identity", assertion);
    let role = identity::CustomRole {
        display_name: format!("role of {name}"),
        permissions: vec!["crm.leads.read".into()],
        ..Default::default()
    };
    let create =
        identity::CreateCustomRoleRequest { custom_role: Some(role), ..Default::default() };
    let mut roles = identity::custom_role_service_client::CustomRoleServiceClient::new(channel());
    roles.create_custom_role(create).await.unwrap();
    let invitation = identity::Invitation {
        email: format!("invited@{name}.example"),
        role: identity::Role::Sales.into(),
        ..Default::default()
    };
    let create =
        identity::CreateInvitationRequest { invitation: Some(invitation), ..Default::default() };
    let mut invitations =
        identity::invitation_service_client::InvitationServiceClient::new(channel());
    invitations.create_invitation(create).await.unwrap();
}

/// A site, and a keyword of it.
async fn publish(world: &World, assertion: &str, name: &str) {
    let channel = || world.with_assertion("seo", assertion);
    let site = seo::Site {
        display_name: format!("site of {name}"),
        base_url: format!("https://{name}.example"),
        language: "en".into(),
        approval_gate: seo::ApprovalGate::None.into(),
        ..Default::default()
    };
    let create = seo::CreateSiteRequest { site: Some(site), ..Default::default() };
    let site = SiteServiceClient::new(channel()).create_site(create).await.unwrap();
    let site_id = site.into_inner().site_id;
    let keyword = seo::Keyword {
        site_id: site_id.clone(),
        phrase: format!("phrase of {name}"),
        ..Default::default()
    };
    let create = seo::CreateKeywordRequest { keyword: Some(keyword), ..Default::default() };
    KeywordServiceClient::new(channel()).create_keyword(create).await.unwrap();
    let title = format!("text of {name}");
    let piece = seo::ContentPiece { site_id, title: title.clone(), ..Default::default() };
    let create =
        seo::CreateContentPieceRequest { content_piece: Some(piece), ..Default::default() };
    let mut pieces = ContentPieceServiceClient::new(channel());
    let piece = pieces.create_content_piece(create).await.unwrap().into_inner();
    let write = seo::WriteContentRequest {
        content_piece_id: piece.content_piece_id.clone(),
        content: Some(Content { title, ..Default::default() }),
        ..Default::default()
    };
    pieces.write_content(write).await.unwrap();
    let submit = seo::SubmitContentPieceRequest {
        content_piece_id: piece.content_piece_id,
        ..Default::default()
    };
    pieces.submit_content_piece(submit).await.unwrap();
}

/// What the founder's ticket says.
pub(super) fn fields(place: &Place) -> TicketFields {
    TicketFields {
        expires: now() + 60,
        kind: Kind::User,
        org: Some(place.org),
        sub: place.person,
        session: Some(place.session),
        client: None,
        all: module_bits(Contract::get().unwrap(), &PermissionSet::matching(&["*"])),
    }
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_secs().cast_signed()
}
