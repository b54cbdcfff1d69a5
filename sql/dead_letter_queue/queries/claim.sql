-- What another process is claiming is passed over. Without ids only what can still be recovered. A letter waits while
-- another of the same fetch is being retried: one answer may serve several datasets, and `together` says which.
with busy as materialized (
    select distinct %(together)s::jsonb ->> dataset as fetched_with, scope, day
    from dead_letter_queue.letters
    where state = 'retrying'
),
picked as materialized (
    select id from dead_letter_queue.letters as candidate
    where state = 'open'
        and (%(ids)s::bigint[] is null or id = any(%(ids)s::bigint[]))
        and (%(ids)s::bigint[] is not null or recoverable_until is null or recoverable_until > %(now)s)
        and (%(dataset)s::text is null or dataset = %(dataset)s)
        and (%(day)s::date is null or day = %(day)s)
        and (%(error_class)s::text is null or error_class = %(error_class)s)
        and not exists (
            select 1 from busy
            where busy.scope = candidate.scope
                and busy.day = candidate.day
                and busy.fetched_with = %(together)s::jsonb ->> candidate.dataset
        )
    order by recoverable_until nulls last, id
    limit %(limit)s
    for update skip locked
)
update dead_letter_queue.letters as letter set
    state = 'retrying',
    lease_owner = %(who)s,
    lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
from picked
where letter.id = picked.id
returning letter.*
