-- Newest first, without bodies: a page of them would be megabytes.
select
    id, dataset, scope, day, cause, source,
    error_class, message, request, status, headers, null as body, body_encoding, body_length, staged,
    attempts, first_failed_at, last_failed_at, recoverable_until,
    state, lease_owner, lease_until, closed_at, resolution, covered_by, note
from dead_letter_queue.letters
where state = any(%(states)s)
    and (%(dataset)s::text is null or dataset = %(dataset)s)
    and (%(scope)s::text is null or scope = %(scope)s)
    and (%(day)s::date is null or day = %(day)s)
    and (%(error_class)s::text is null or error_class = %(error_class)s)
    and (%(lost_before)s::timestamptz is null or recoverable_until < %(lost_before)s)
order by last_failed_at desc, id desc
limit %(limit)s offset %(offset)s
