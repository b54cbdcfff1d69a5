update dead_letter_queue.letters as letter set
    state = 'resolved', closed_at = %(at)s, resolution = %(why)s, covered_by = %(covered_by)s,
    lease_owner = null, lease_until = null
where letter.id in (
    select id
    from dead_letter_queue.letters
    join jsonb_to_recordset(%(scopes)s::jsonb) as done (dataset text, scope text, day date)
        using (dataset, scope, day)
    where state in ('open', 'retrying')
        and (%(failed_before)s::timestamptz is null or last_failed_at <= %(failed_before)s)
    order by id
    for update of letters
)
