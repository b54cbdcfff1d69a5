-- Letters and their history. A letter says what could not be fetched or parsed; its identity is dataset, scope,
-- day and cause. The database itself enforces which state may follow which, and that each change says who and why.
-- Applied in a transaction, under an advisory lock, by whoever connects first.

create table dead_letter_queue.letters (
    id bigint generated always as identity primary key,
    dataset text not null check (dataset <> ''),
    scope text not null check (scope <> ''),
    day date not null,
    cause text not null check (cause <> ''),
    source text not null check (source in ('github_v3', 'github_v4', 'file', 'etl')),

    error_class text not null check (error_class <> ''),
    message text not null,
    request jsonb,
    status integer,
    headers jsonb not null default '{}',
    body text,
    body_encoding text check (body_encoding in ('utf-8', 'base64')),
    body_length bigint,
    staged jsonb,

    attempts integer not null default 1 check (attempts > 0),
    first_failed_at timestamptz not null,
    last_failed_at timestamptz not null,
    recoverable_until timestamptz,

    state text not null default 'open'
        check (state in ('open', 'retrying', 'resolved', 'expired', 'discarded')),
    lease_owner text,
    lease_until timestamptz,
    closed_at timestamptz,
    resolution text,
    covered_by date,
    note text,

    unique (dataset, scope, day, cause),
    check (first_failed_at <= last_failed_at),
    check ((body is null) = (body_encoding is null)),
    check ((state = 'retrying') = (lease_owner is not null and lease_until is not null)),
    check ((state in ('open', 'retrying')) = (closed_at is null))
);

comment on table dead_letter_queue.letters is 'One row per dataset, scope, day and cause of failure.';
comment on column dead_letter_queue.letters.body is
    'The answer''s first 64 KiB without secrets: as text where it is UTF-8 without NUL, else as base64.';
comment on column dead_letter_queue.letters.body_length is 'Bytes of the whole answer, before the cut.';
comment on column dead_letter_queue.letters.lease_until is 'Real time, also where the calendar is held still.';

create index letters_newest on dead_letter_queue.letters (last_failed_at desc, id desc);
create index letters_by_kind on dead_letter_queue.letters (state, dataset, error_class);
create index letters_to_retry on dead_letter_queue.letters (recoverable_until, id) where state = 'open';
create index letters_leased on dead_letter_queue.letters (lease_until) where state = 'retrying';

create table dead_letter_queue.transitions (
    id bigint generated always as identity primary key,
    letter_id bigint not null references dead_letter_queue.letters (id),
    at timestamptz not null,
    from_state text,
    to_state text not null,
    who text not null,
    why text not null,
    attempts integer not null
);

comment on table dead_letter_queue.transitions is 'One row per change of a letter''s state; rows are only ever added.';

create index transitions_of_letter on dead_letter_queue.transitions (letter_id, id);

-- Failures that came by way of the spool, so that one that is drained twice counts once.
create table dead_letter_queue.receipts (
    occurrence text primary key,
    at timestamptz not null default clock_timestamp()
);

comment on table dead_letter_queue.receipts is 'One row per batch of failures taken in under a number of its own.';

create function dead_letter_queue.check_letter() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.state <> 'open' then
            raise exception 'a new letter is open, not %', new.state using errcode = 'check_violation';
        end if;
        return new;
    end if;
    if (new.dataset, new.scope, new.day, new.cause) is distinct from (old.dataset, old.scope, old.day, old.cause) then
        raise exception 'dataset, scope, day and cause of letter % never change', old.id
            using errcode = 'check_violation';
    end if;
    if new.state <> old.state and (old.state, new.state) not in (
        ('open', 'retrying'), ('open', 'resolved'), ('open', 'expired'), ('open', 'discarded'),
        ('retrying', 'open'), ('retrying', 'resolved'), ('retrying', 'expired'), ('retrying', 'discarded'),
        ('resolved', 'open'), ('resolved', 'discarded'),
        ('expired', 'discarded')
    ) then
        raise exception 'letter % is %: it cannot become %', old.id, old.state, new.state
            using errcode = 'check_violation';
    end if;
    return new;
end
$$;

create trigger check_letter before insert or update on dead_letter_queue.letters
for each row execute function dead_letter_queue.check_letter();

create function dead_letter_queue.record_transition() returns trigger
language plpgsql as $$
declare
    who text := nullif(current_setting('dead_letter_queue.who', true), '');
    why text := nullif(current_setting('dead_letter_queue.why', true), '');
    at timestamptz := nullif(current_setting('dead_letter_queue.at', true), '');
begin
    if who is null or why is null then
        raise exception 'letter %: a change of state needs dead_letter_queue.who and dead_letter_queue.why', new.id
            using errcode = 'check_violation';
    end if;
    insert into dead_letter_queue.transitions (letter_id, at, from_state, to_state, who, why, attempts)
    values (
        new.id, coalesce(at, clock_timestamp()), case when tg_op = 'UPDATE' then old.state end, new.state, who, why,
        new.attempts
    );
    return null;
end
$$;

create trigger record_first_state after insert on dead_letter_queue.letters
for each row execute function dead_letter_queue.record_transition();

create trigger record_transition after update on dead_letter_queue.letters
for each row when (old.state is distinct from new.state)
execute function dead_letter_queue.record_transition();

create function dead_letter_queue.keep_history() returns trigger
language plpgsql as $$
begin
    raise exception 'the history of the dead letter queue is only ever added to' using errcode = 'check_violation';
end
$$;

create trigger keep_history before update or delete on dead_letter_queue.transitions
for each row execute function dead_letter_queue.keep_history();
