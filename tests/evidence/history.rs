//! A log of some organisations over some hours, sealed and signed in stages.

use std::{path::PathBuf, sync::Arc};

use devsphere_db::{
    migrate::SEALER,
    seal::{Report, RootKey, SealKey, Sealer, verify, verify_within},
};
use devsphere_testkit::World;
use sqlx::{Executor as _, PgConnection};
use uuid::Uuid;

use crate::matrix::stage::MODULES;

/// Minutes between two stages.
const STAGE: i32 = 100;

/// What a sealer made of a log, and what is needed to judge it.
pub(super) struct History {
    pub(super) world: World,
    pub(super) organizations: Vec<Uuid>,
    pub(super) sealer: Arc<Sealer>,
    pub(super) key: RootKey,
    pub(super) file: PathBuf,
}

impl History {
    /// A world without any record.
    pub(super) async fn empty(organizations: usize) -> Self {
        let world = World::start(&MODULES).await;
        let file = world.folder().join("audit-roots.log");
        let key = SealKey::parse(&SealKey::generate().unwrap()).unwrap();
        let public = key.public();
        let sealer = Arc::new(Sealer::new(
            world.backend().options(SEALER).application_name(SEALER),
            key,
            file.clone(),
        ));
        let organizations = (0..organizations).map(|_| Uuid::now_v7()).collect();
        Self { world, organizations, sealer, key: public, file }
    }

    /// Three stages of so many records for each organisation, each stage with a root of its own; then
    /// some that are sealed and not signed.
    pub(super) async fn written(organizations: usize, records: i32) -> Self {
        let history = Self::empty(organizations).await;
        for stage in (1..=3).rev() {
            history.write(records, stage * STAGE).await;
            history.seal().await;
            history.sign().await;
        }
        history.write(records / 4, 0).await;
        history.seal().await;
        history
    }

    /// So many records for each organisation, a hundred a second, the last of them so many minutes ago.
    pub(super) async fn write(&self, records: i32, minutes_ago: i32) {
        let write = sqlx::query(
            "insert into platform.audit (org_id, action, noun, record_id, principal_kind, principal_id, session_id,
                                         method, trace_id, client_address, before, after, create_time)
             select org, 'lead.updated', 'lead', gen_random_uuid(), 'user', gen_random_uuid(), gen_random_uuid(),
                    '/devsphere.crm.v1.LeadService/UpdateLead', gen_random_uuid(), '203.0.113.7',
                    jsonb_build_object('note', n), jsonb_build_object('note', n + 1),
                    now() - make_interval(mins => $3, secs => ($2 - n) / 100.0)
             from unnest($1::uuid[]) as org, generate_series(1, $2) as n",
        );
        let write = write.bind(&self.organizations).bind(records).bind(minutes_ago);
        self.world.admin().await.execute(write).await.unwrap();
    }

    pub(super) async fn seal(&self) -> usize {
        let mut connection = self.sealer.connect().await.unwrap();
        Sealer::seal(&mut connection).await.unwrap()
    }

    pub(super) async fn sign(&self) -> Option<i64> {
        let mut connection = self.sealer.connect().await.unwrap();
        self.sealer.sign(&mut connection).await.unwrap()
    }

    /// As the command does it, under the sealer's role.
    pub(super) async fn verify(&self) -> Report {
        let mut connection = self.sealer.connect().await.unwrap();
        let file = self.file.exists().then_some(self.file.as_path());
        verify(&mut connection, &self.key, file, None).await.unwrap()
    }

    /// Over what this connection's transaction has changed.
    pub(super) async fn verify_within(&self, connection: &mut PgConnection) -> Report {
        verify_within(connection, &self.key, Some(&self.file), None).await.unwrap()
    }
}
