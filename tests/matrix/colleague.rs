//! Somebody beside the caller: nobody decides on what they submitted.

use devsphere_auth::Subject;
use devsphere_proto::{Access, Method};
use sqlx::PgConnection;
use uuid::Uuid;

use super::stage::{Actor, Stage};

/// An active manager, from nowhere else.
pub async fn join(admin: &mut PgConnection, org: Uuid) -> Uuid {
    let join = sqlx::query_scalar(
        "with person as (
             insert into identity.person (person_id, email, display_name)
             select id, id || '@colleague.example', 'Colleague' from gen_random_uuid() as id
             returning person_id, email, display_name
         )
         insert into identity.member (org_id, member_id, person_id, email, display_name, role, activate_time)
         select $1, gen_random_uuid(), person_id, email, display_name, 'manager', now() from person
         returning person_id",
    );
    join.bind(org).fetch_one(admin).await.unwrap()
}

/// Who sends a step on the way to a method: of submissions and decisions the one kind is the actor's,
/// the other the colleague's.
pub fn sender(step: &Method, method: &Method, actor: &Actor) -> Actor {
    if decides(step) == decides(method) {
        return actor.clone();
    }
    of(actor)
}

/// Has the colleague submit something: what waits for a decision is nobody's to create.
///
/// # Errors
/// When nothing can be submitted, or it is refused.
pub async fn ask(stage: &Stage, actor: &Actor) -> Result<(), String> {
    let submits = |method: &&'static Method| method.descriptor.name().starts_with("Submit");
    let method = stage.methods().find(submits).ok_or("nothing is submitted")?;
    let ready = stage.ready(method, &of(actor)).await?;
    let answer = stage.send(&ready).await;
    answer.map(drop).map_err(|refused| format!("{}: {refused}", method.path))
}

fn of(actor: &Actor) -> Actor {
    let subject = Subject { id: actor.colleague, ..actor.subject.clone() };
    Actor { subject, ..actor.clone() }
}

fn decides(method: &Method) -> bool {
    let Access::Granted { permission: Some(permission), .. } = &method.access else { return false };
    permission.name.ends_with(".decide")
}
