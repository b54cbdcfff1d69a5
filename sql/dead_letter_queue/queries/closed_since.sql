-- What was closed after the transition `since` and stayed so, by end, kind and day; without accepted gaps.
with
    gaps as (
        select dataset, scope, until
        from jsonb_to_recordset(%(gaps)s::jsonb) as gap (dataset text, scope text, until date)
    ),
    closed as (
        select letter_id, max(id) as id from dead_letter_queue.transitions
        where id > %(since)s and to_state in ('resolved', 'expired', 'discarded')
        group by letter_id
    )
select
    letters.state, letters.dataset, letters.error_class, letters.day, letters.recoverable_until,
    count(*) as letters, min(letters.id) as first, max(closed.id) as last_closed
from closed inner join dead_letter_queue.letters on letters.id = closed.letter_id
where letters.state in ('resolved', 'expired', 'discarded')
    and not exists (
        select from gaps
        where letters.day < gaps.until and letters.dataset ~ gaps.dataset and letters.scope ~ gaps.scope
    )
group by letters.state, letters.dataset, letters.error_class, letters.day, letters.recoverable_until
