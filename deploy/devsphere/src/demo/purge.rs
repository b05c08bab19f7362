//! The end of the demo: its organisations with everything in them, and its people.

use anyhow::Result;
use sqlx::{Connection as _, PgConnection, Row as _};

use super::kept::Kept;
use crate::{database::Database, folder::Folder, keys::Passwords};

/// Removes them, and says what went.
pub(super) async fn run(
    folder: &Folder,
    database: &Database,
    passwords: &Passwords,
) -> Result<Vec<String>> {
    let mut owner = database.owner(passwords).await?;
    let mut tx = owner.begin().await?;
    let mut went = marked(&mut tx).await?;
    let purged: i64 =
        sqlx::query_scalar("select identity.purge_demo()").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    owner.close().await?;
    Kept::remove(folder)?;
    if purged == 0 {
        went.push("No organisation is marked as demo: nothing to remove.".into());
    }
    Ok(went)
}

async fn marked(owner: &mut PgConnection) -> Result<Vec<String>> {
    let demos = sqlx::query(
        "select o.display_name, count(m.member_id) as members
         from identity.organization as o left join identity.member as m on m.org_id = o.org_id
         where o.demo group by o.org_id, o.display_name order by o.display_name",
    )
    .fetch_all(owner)
    .await?;
    let said = demos.iter().map(|demo| {
        let (name, members): (String, i64) =
            (demo.try_get("display_name")?, demo.try_get("members")?);
        Ok(format!("Removed {name}, its {members} members and everything in it."))
    });
    said.collect()
}
