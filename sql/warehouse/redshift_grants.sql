-- Who may read: oss_datastore_reader everything but personal data, oss_datastore_pii_reader that, too. Tables that are
-- made later by the same user are covered by default privileges, so a mart that is built anew stays readable.
grant usage on schema psa to role oss_datastore_reader;
grant usage on schema raw_vault to role oss_datastore_reader;
grant usage on schema business_vault to role oss_datastore_reader;
grant usage on schema metrics_vault to role oss_datastore_reader;
grant usage on schema infomarts to role oss_datastore_reader;
grant select on all tables in schema psa to role oss_datastore_reader;
grant select on all tables in schema raw_vault to role oss_datastore_reader;
grant select on all tables in schema business_vault to role oss_datastore_reader;
grant select on all tables in schema metrics_vault to role oss_datastore_reader;
grant select on all tables in schema infomarts to role oss_datastore_reader;
alter default privileges in schema psa grant select on tables to role oss_datastore_reader;
alter default privileges in schema raw_vault grant select on tables to role oss_datastore_reader;
alter default privileges in schema business_vault grant select on tables to role oss_datastore_reader;
alter default privileges in schema metrics_vault grant select on tables to role oss_datastore_reader;
alter default privileges in schema infomarts grant select on tables to role oss_datastore_reader;
grant role oss_datastore_reader to role oss_datastore_pii_reader;
grant usage on schema psa_pii to role oss_datastore_pii_reader;
grant usage on schema raw_vault_pii to role oss_datastore_pii_reader;
grant select on all tables in schema psa_pii to role oss_datastore_pii_reader;
grant select on all tables in schema raw_vault_pii to role oss_datastore_pii_reader;
alter default privileges in schema psa_pii grant select on tables to role oss_datastore_pii_reader;
alter default privileges in schema raw_vault_pii grant select on tables to role oss_datastore_pii_reader;
