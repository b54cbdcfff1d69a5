update dead_letter_queue.letters set
    state = 'expired', closed_at = %(at)s, resolution = %(why)s
where id in (
    select id from dead_letter_queue.letters
    where state = 'open' and recoverable_until <= %(at)s
    order by id
    for update skip locked
)
returning *
