-- What is open, by kind and day; letters of accepted gaps are left out. A letter is new when it was written, or opened
-- again after it was resolved, after the transition `since`.
with
    gaps as (
        select dataset, scope, until
        from jsonb_to_recordset(%(gaps)s::jsonb) as gap (dataset text, scope text, until date)
    ),
    opened as (
        select letter_id, max(id) as id from dead_letter_queue.transitions
        where id > %(since)s and to_state = 'open' and (from_state is null or from_state = 'resolved')
        group by letter_id
    )
select
    letters.dataset, letters.error_class, letters.day, letters.recoverable_until,
    count(*) as letters, min(letters.first_failed_at) as oldest, min(letters.id) as first, count(opened.id) as new,
    min(opened.letter_id) as first_new, max(opened.id) as last_opened
from dead_letter_queue.letters left join opened on opened.letter_id = letters.id
where letters.state in ('open', 'retrying')
    and not exists (
        select from gaps
        where letters.day < gaps.until and letters.dataset ~ gaps.dataset and letters.scope ~ gaps.scope
    )
group by letters.dataset, letters.error_class, letters.day, letters.recoverable_until
