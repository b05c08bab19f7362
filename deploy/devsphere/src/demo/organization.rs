//! The demo's organisation and its people: signed up with an invitation, then added and activated.

use anyhow::{Context as _, Result, anyhow, bail};
use aws_lc_rs::digest::{SHA256, digest};
use devsphere_proto::identity::v1::{
    ActivateRequest, CreateMemberRequest, ListMembersRequest, Member, RenewActivationRequest, Role,
    SignUpRequest,
};
use sqlx::Connection as _;
use tonic::Code;

use super::{
    START_OVER,
    client::{Client, SignedIn, refused},
    kept::{Kept, Person},
};
use crate::{database::Database, keys::Passwords, secret};

/// Signs the founder and the organisation up, unless an earlier run has.
pub(super) async fn found(
    client: &Client,
    kept: &Kept,
    database: &Database,
    passwords: &Passwords,
) -> Result<()> {
    let ceo = kept.ceo()?;
    match client.grant(&ceo.email, &ceo.password).await {
        Ok(_) => return Ok(()),
        Err(status) if status.code() == Code::Unauthenticated => {}
        Err(status) => return Err(refused(status)),
    }
    let invitation_token = invite(database, passwords).await.context("cannot invite")?;
    let request = SignUpRequest {
        email: ceo.email.clone(),
        password: ceo.password.clone(),
        display_name: ceo.display_name.clone(),
        organization_display_name: "Northwind Studio (demo)".into(),
        time_zone: "Europe/Berlin".into(),
        currency_code: "EUR".into(),
        locale: "en".into(),
        invitation_token,
    };
    match client.sessions().sign_up(request).await {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::AlreadyExists => {
            bail!("the demo is there, with passwords that this directory does not know")
        }
        Err(status) => Err(refused(status)).context("cannot sign up"),
    }
}

/// The one thing that no client may do: an invitation that marks its organisation as demo.
async fn invite(database: &Database, passwords: &Passwords) -> Result<String> {
    let token = format!("dvs_it_{}", secret::password()?);
    let mut owner = database.owner(passwords).await?;
    sqlx::query(
        "insert into identity.sign_up_invitation (token_hash, demo, expire_time)
         values ($1, true, transaction_timestamp() + interval '10 minutes')",
    )
    .bind(digest(&SHA256, token.as_bytes()).as_ref())
    .execute(&mut owner)
    .await?;
    owner.close().await?;
    Ok(token)
}

/// Adds everybody else, and lets them take their places.
pub(super) async fn join(client: &Client, kept: &Kept) -> Result<()> {
    let mut ceo = client.sign_in(kept.ceo()?).await?;
    let listed = ceo.members.list_members(ListMembersRequest::default()).await.map_err(refused)?;
    let members = listed.into_inner().members;
    for person in kept.people.iter().skip(1) {
        let known = members.iter().find(|member| member.email == person.email);
        let token = match known {
            None => add(&mut ceo, kept, person).await,
            Some(member) if member.activate_time.is_some() => continue,
            Some(member) => renew(&mut ceo, member).await,
        };
        let token = token.with_context(|| format!("cannot add {}", person.email))?;
        let request = ActivateRequest {
            activation_token: token,
            password: person.password.clone(),
            display_name: person.display_name.clone(),
        };
        let activated = client.sessions().activate(request).await.map_err(refused);
        activated.with_context(|| format!("cannot activate {}", person.email))?;
    }
    Ok(())
}

async fn add(ceo: &mut SignedIn, kept: &Kept, person: &Person) -> Result<String> {
    let role = Role::from_str_name(&format!("ROLE_{}", person.role.to_uppercase()));
    let member = Member {
        email: person.email.clone(),
        display_name: person.display_name.clone(),
        role: role.ok_or_else(|| anyhow!("{} is no role; {START_OVER}", person.role))?.into(),
        ..Member::default()
    };
    let request = CreateMemberRequest {
        member: Some(member),
        request_id: kept.request_id(&format!("add {}", person.email)),
        validate_only: false,
    };
    let created = ceo.members.create_member(request).await.map_err(refused)?;
    Ok(created.into_inner().activation_token)
}

/// The link of a seed that was cut short is lost.
async fn renew(ceo: &mut SignedIn, member: &Member) -> Result<String> {
    let request =
        RenewActivationRequest { member_id: member.member_id.clone(), request_id: String::new() };
    let renewed = ceo.members.renew_activation(request).await.map_err(refused)?;
    Ok(renewed.into_inner().activation_token)
}
