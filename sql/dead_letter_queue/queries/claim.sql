-- What another process is claiming is passed over. Without ids only what can still be recovered.
with picked as materialized (
    select id from dead_letter_queue.letters
    where state = 'open'
        and (%(ids)s::bigint[] is null or id = any(%(ids)s::bigint[]))
        and (%(ids)s::bigint[] is not null or recoverable_until is null or recoverable_until > %(now)s)
        and (%(dataset)s::text is null or dataset = %(dataset)s)
        and (%(day)s::date is null or day = %(day)s)
        and (%(error_class)s::text is null or error_class = %(error_class)s)
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
