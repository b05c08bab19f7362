-- Approvals are the platform's, which the modules that own the records write through one function;
-- administration reads them behind the same wall as everything else.

create policy door on platform.approval to devsphere_administration using (true) with check (true);
create policy wall on platform.approval as restrictive to devsphere_administration
    using (org_id = (select platform.org())) with check (org_id = (select platform.org()));
grant select on platform.approval to devsphere_administration;

create index approval_asked on platform.approval (org_id, asked_by, create_time desc, approval_id desc);
