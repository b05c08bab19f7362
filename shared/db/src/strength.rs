//! How strong a login role may be: no stronger than the walls it works behind.

/// Answers whether the session's role could pass a wall, make roles, become another or change a table.
pub const IS_STRONG: &str = "
    select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication
           or exists (select from pg_auth_members where member = pg_roles.oid)
           or exists (select from pg_class where relowner = pg_roles.oid)
    from pg_roles where rolname = current_user";
