//! The exceptions to the wall, each with its reason; the catalogue test refuses any other.

/// Tables without an organisation, in the schemas `platform` and `identity` alone. A service may
/// touch one only where the reason says so.
pub const GLOBAL_TABLES: &[(&str, &str)] = &[
    ("platform.ticket_key", "the HMAC pads; readable by the owner only"),
    ("platform.audit_head", "where each chain ends, kept when its organisation goes; the sealer's"),
    ("platform.audit_root", "signed roots over all chains, no content; the sealer's"),
    ("identity.refresh_token", "looked up before there is a caller; functions only"),
    ("identity.guess", "counts sign-in attempts before there is a caller; functions only"),
    ("identity.instance", "one row for the installation; identity reads and changes it"),
    ("identity.revocation", "what ended, for whoever holds assertions of anybody; functions only"),
    ("identity.sign_up_invitation", "invites to found an organisation; identity only adds"),
];

/// Functions that run as the owner and so see every organisation, each with its own check.
pub const OWNER_FUNCTIONS: &[(&str, &str)] = &[
    ("platform.ticket", "reads the ticket key; answers what the verified ticket says"),
    ("platform.once", "stamps the key from the verified ticket"),
    ("platform.answer", "finds the key of the verified ticket only"),
    ("platform.record", "stamps organisation and principal from the verified ticket"),
    ("platform.note", "stamps each note's organisation and principal from its own verified ticket"),
    ("platform.sealer_turn", "takes a lock and answers whether it could; no row is read"),
    ("platform.schema_version", "reads a version number"),
    ("identity.sign_up", "public; checks the sign-up mode or the invitation"),
    ("identity.begin_guess", "public; counts the guess before it tells the hash to identity"),
    ("identity.forget_guesses", "identity has compared the password"),
    ("identity.sign_in", "public; identity has compared the password"),
    ("identity.refresh", "public; finds by the hash of a 256-bit token"),
    ("identity.find_activation", "public; finds by the hash of a 256-bit token"),
    ("identity.activate", "public; finds by the hash of a 256-bit token"),
    ("identity.exchange", "internal; identity has verified the token's signature"),
    ("identity.note_revocation", "a trigger; notes ids of the row that has changed"),
    ("identity.revocations", "internal; tells ids that ended of late, nothing of whose they were"),
    ("identity.sign_up_mode", "public; reads one setting"),
    ("identity.own_grant", "reads what the verified ticket's person has"),
    ("identity.own_place", "reads what the verified ticket's person and organisation have"),
    ("identity.claim_platform_admin", "raises the verified ticket's person, by a code of 80 bits"),
    ("identity.add_member", "adds to the verified ticket's organisation only"),
    ("identity.find_invitation", "public; finds by the hash of a 256-bit token"),
    ("identity.accept_invitation", "public; finds by the hash of a 256-bit token"),
    ("identity.decline_invitation", "public; finds by the hash of a 256-bit token"),
    ("identity.remove_custom_role", "removes from the verified ticket's organisation only"),
    (
        "identity.set_organization_limits",
        "sets one number for the verified ticket's person; the contract asks for platform.*",
    ),
    (
        "seo.release_generations",
        "nobody calls: ends what no process holds any more, each row within its own organisation",
    ),
    ("identity.purge_demo", "no service may call it; touches organisations marked demo only"),
];
