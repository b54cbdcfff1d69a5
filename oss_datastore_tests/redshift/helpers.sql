-- What Redshift has and PostgreSQL lacks, for the shim.
create or replace function shim_fails(message text) returns void language plpgsql as $$
begin
    raise exception '%', message using errcode = case
        when message like '%Serializable isolation violation%' then 'XX000' else '42601' end;
end
$$;

-- Roles are the cluster's: a database that is made later may find them.
create or replace function shim_create_role(name text) returns void language plpgsql as $$
begin
    if not exists (select from pg_roles where rolname = name) then
        execute format('create role %I nologin', name);
    end if;
exception when duplicate_object or unique_violation then
    null;
end
$$;

create or replace function shim_dateadd(part text, count bigint, moment timestamp) returns timestamp
    language sql immutable as $$ select moment + count * ('1 ' || part)::interval $$;

create or replace function shim_datediff(part text, first timestamp, second timestamp) returns bigint
    language sql immutable as $$
    select case part
        when 'day' then (second::date - first::date)::bigint
        when 'second' then
            (extract(epoch from date_trunc('second', second)) - extract(epoch from date_trunc('second', first)))::bigint
    end
    $$;

create or replace function strtol(digits text, base integer) returns bigint
    language sql immutable as $$ select ('x' || lpad(digits, 16, '0'))::bit(64)::bigint $$;

create or replace view svv_roles as select rolname::varchar as role_name from pg_roles;

-- Asked by the dbt adapter for the columns of a table.
create or replace function pg_get_late_binding_view_cols() returns setof record
    language sql as $$ select null::name, null::name, null::name, null::varchar, null::int where false $$;
do $$
begin
    create table svv_external_columns (schemaname varchar, tablename varchar, columnname varchar,
        external_type varchar, columnnum int);
exception when duplicate_table then null;
end
$$;
