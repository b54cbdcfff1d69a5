-- Who may read: oss_datastore_reader everything but personal data, oss_datastore_pii_reader that, too. Both are roles
-- without a login, for an administrator to grant to people. Tables that are made later are covered by default
-- privileges, so a mart that is built anew stays readable. Where we may not make roles, nothing is granted.
do $$
begin
    if not exists (select from pg_roles where rolname = 'oss_datastore_reader') then
        create role oss_datastore_reader nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'oss_datastore_pii_reader') then
        create role oss_datastore_pii_reader nologin;
        grant oss_datastore_reader to oss_datastore_pii_reader;
    end if;
exception when insufficient_privilege or duplicate_object or unique_violation then
    -- Another database of the server made them at this moment, or an administrator has to.
end
$$;

do $$
declare
    of_schema record;
begin
    for of_schema in
        select s.name, r.rolname as reader
        from (values
            ('psa', 'oss_datastore_reader'), ('raw_vault', 'oss_datastore_reader'),
            ('business_vault', 'oss_datastore_reader'), ('metrics_vault', 'oss_datastore_reader'),
            ('infomarts', 'oss_datastore_reader'),
            ('psa_pii', 'oss_datastore_pii_reader'), ('raw_vault_pii', 'oss_datastore_pii_reader')
        ) as s (name, reader)
        join pg_roles r on r.rolname = s.reader
    loop
        execute format('grant usage on schema %I to %I', of_schema.name, of_schema.reader);
        execute format('grant select on all tables in schema %I to %I', of_schema.name, of_schema.reader);
        execute format('alter default privileges in schema %I grant select on tables to %I', of_schema.name, of_schema.reader);
    end loop;
end
$$;
