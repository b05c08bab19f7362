-- What `devsphere backup` may read: every row of every table, but not the ticket keys. Runs as the owner.

do $$
declare
    one text;
begin
    for one in
        select format('schema %I', n.nspname) from pg_namespace as n
        where pg_get_userbyid(n.nspowner) = 'devsphere_owner'
          and not has_schema_privilege('devsphere_backup', n.oid, 'usage')
    loop
        execute format('grant usage on %s to devsphere_backup', one);
    end loop;
    for one in
        select c.oid::regclass::text from pg_class as c
        where c.relkind in ('r', 'p') and pg_get_userbyid(c.relowner) = 'devsphere_owner'
          and c.oid <> 'platform.ticket_key'::regclass
          and not has_table_privilege('devsphere_backup', c.oid, 'select')
    loop
        execute format('grant select on %s to devsphere_backup', one);
    end loop;
end
$$;
