-- The log is the platform's, which every service writes through one function; administration reads it
-- behind the same wall as everything else.

create policy door on platform.audit to devsphere_administration using (true) with check (true);
create policy wall on platform.audit as restrictive to devsphere_administration
    using (org_id = (select platform.org())) with check (org_id = (select platform.org()));
grant select on platform.audit to devsphere_administration;
