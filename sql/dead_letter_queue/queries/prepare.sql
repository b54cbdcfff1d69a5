-- Whoever comes second waits here until the first has committed. The number is the queue's own.
select pg_advisory_xact_lock(4071215220);
create schema if not exists dead_letter_queue;
create table if not exists dead_letter_queue.migrations (
    number integer primary key,
    name text not null,
    digest text not null,
    applied_at timestamptz not null default clock_timestamp()
);
