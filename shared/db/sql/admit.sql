-- What every service may use of the platform. Runs as the owner; devsphere.service names the service.

do $$
declare
    service text := current_setting('devsphere.service');
    role    text := 'devsphere_' || current_setting('devsphere.service');
    usable  text;
begin
    execute format('create schema if not exists %I', service);
    execute format('grant usage on schema %I, platform to %I', service, role);
    foreach usable in array array[
        'ticket()', 'org()', 'person()', 'sub()', 'sees_all(integer)', 'claimed_org()',
        'org_of(platform.principal)',
        'once(text, uuid, bytea)', 'answer(text, uuid)', 'schema_version(text)',
        'record(jsonb, text, uuid, inet, uuid, bytea)', 'note(jsonb)'
    ] loop
        execute format('grant execute on function platform.%s to %I', usable, role);
    end loop;
    execute format('grant usage on type platform.principal to %I', role);
end
$$;
