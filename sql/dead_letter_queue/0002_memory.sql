-- What alerts must remember from one tick to the next, here so that a restart does not alert twice.

create table dead_letter_queue.memory (
    name text primary key,
    value text not null,
    changed_at timestamptz not null default clock_timestamp()
);

comment on table dead_letter_queue.memory is 'One row per thing remembered; who remembers it decides what it means.';
