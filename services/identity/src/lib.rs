//! People, where they belong, and how they prove it; the only service that mints assertions.

mod assertion;
mod custom_role;
mod grant;
mod instance;
mod invitation;
pub mod keys;
mod member;
mod organization;
mod password;
mod person;
mod revocation;
mod role;
mod secret;
mod session;

use std::{sync::Arc, time::Duration};

use devsphere_auth::Verifier;
use devsphere_boot::{Ctx, MESSAGE_LIMIT, Module, Service};
use devsphere_db::{FunctionDb, Schema, TenantDb};
use devsphere_error::Result;
use devsphere_proto::identity::v1::{
    assertion_service_server::AssertionServiceServer,
    custom_role_service_server::CustomRoleServiceServer,
    instance_service_server::InstanceServiceServer,
    invitation_service_server::InvitationServiceServer, member_service_server::MemberServiceServer,
    organization_service_server::OrganizationServiceServer,
    person_service_server::PersonServiceServer, revocation_service_server::RevocationServiceServer,
    session_service_server::SessionServiceServer,
};

use keys::{KeyStore, OwnKeys};
use password::Passwords;
use revocation::Feed;
use tokio_util::sync::CancellationToken;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Identity, as the binary and the test kit start it.
pub const MODULE: Module =
    Module { schema: Schema { name: "identity", migrations: &MIGRATIONS }, service };

/// What the handlers share.
struct Core {
    db: TenantDb,
    functions: FunctionDb,
    keys: Arc<KeyStore>,
    verifier: Arc<Verifier>,
    passwords: Passwords,
    public_url: String,
    feed: Arc<Feed>,
    longest_stream: Duration,
    stopping: CancellationToken,
}

impl Core {
    /// The ids of the keys that verify assertions.
    fn key_ids(&self) -> Vec<String> {
        self.keys.now().public().into_iter().map(|key| key.kid).collect()
    }
}

type Identity = Arc<Core>;

fn service(ctx: &Ctx) -> Result<Service> {
    let keys = KeyStore::open(&ctx.config().keys, ctx.contract())?;
    ctx.tasks().spawn("keys", keys.clone().follow());
    let verifier = Arc::new(Verifier::new(OwnKeys(keys.clone())));
    let limits = &ctx.config().limits;
    let identity = Arc::new(Core {
        db: ctx.tenant_db(),
        functions: ctx.function_db(),
        verifier: verifier.clone(),
        passwords: Passwords::new()?,
        public_url: ctx.config().public_url.clone(),
        feed: Feed::new(ctx.background_db(), limits.revocations_every, ctx.tasks()),
        longest_stream: limits.longest_stream,
        stopping: ctx.stopping(),
        keys,
    });
    macro_rules! limited {
        ($server:ident, $handlers:expr) => {
            $server::new($handlers)
                .max_decoding_message_size(MESSAGE_LIMIT)
                .max_encoding_message_size(MESSAGE_LIMIT)
        };
    }
    Service::of(ctx, verifier, ctx.renewal()?)
        .add(limited!(SessionServiceServer, session::rpc::Sessions(identity.clone())))
        .add(limited!(PersonServiceServer, person::rpc::People(identity.clone())))
        .add(limited!(MemberServiceServer, member::rpc::Members(identity.clone())))
        .add(limited!(
            OrganizationServiceServer,
            organization::rpc::Organizations(identity.clone())
        ))
        .add(limited!(CustomRoleServiceServer, custom_role::rpc::CustomRoles(identity.clone())))
        .add(limited!(InvitationServiceServer, invitation::rpc::Invitations(identity.clone())))
        .add(limited!(InstanceServiceServer, instance::rpc::Instances(identity.clone())))
        .add(limited!(RevocationServiceServer, revocation::rpc::Revocations(identity.clone())))
        .add(limited!(AssertionServiceServer, assertion::rpc::Assertions(identity)))
        .build()
}
