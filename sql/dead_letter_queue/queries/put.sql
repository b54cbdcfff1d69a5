-- In the order of their identity, so that two writers of the same letters never wait for each other in a circle.
-- What was resolved is open again; a failure that waited in the spool reopens only what was resolved before it.
insert into dead_letter_queue.letters as letter (
    dataset, scope, day, cause, source,
    error_class, message, request, status, headers, body, body_encoding, body_length, staged,
    attempts, first_failed_at, last_failed_at, recoverable_until
)
select
    dataset, scope, day, cause, source,
    error_class, message, request, status, headers, body, body_encoding, body_length, staged,
    attempts, first_failed_at, last_failed_at, recoverable_until
from jsonb_to_recordset(%(failures)s::jsonb) as failure (
    dataset text, scope text, day date, cause text, source text,
    error_class text, message text, request jsonb, status integer, headers jsonb,
    body text, body_encoding text, body_length bigint, staged jsonb,
    attempts integer, first_failed_at timestamptz, last_failed_at timestamptz, recoverable_until timestamptz
)
order by dataset, scope, day, cause
on conflict (dataset, scope, day, cause) do update set
    source = excluded.source,
    error_class = excluded.error_class,
    message = excluded.message,
    request = excluded.request,
    status = excluded.status,
    headers = excluded.headers,
    body = excluded.body,
    body_encoding = excluded.body_encoding,
    body_length = excluded.body_length,
    staged = excluded.staged,
    attempts = letter.attempts + excluded.attempts,
    first_failed_at = least(letter.first_failed_at, excluded.first_failed_at),
    last_failed_at = greatest(letter.last_failed_at, excluded.last_failed_at),
    recoverable_until = excluded.recoverable_until,
    (state, closed_at, resolution, covered_by) = (
        select
            case when again then 'open' else letter.state end,
            case when again then null else letter.closed_at end,
            case when again then null else letter.resolution end,
            case when again then null else letter.covered_by end
        from (
            select
                letter.state = 'resolved'
                and (not %(spooled)s or excluded.last_failed_at >= letter.closed_at) as again
        ) as decision
    )
returning id, dataset, scope, day, cause
