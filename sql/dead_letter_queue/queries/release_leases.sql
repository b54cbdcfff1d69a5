-- The retry that held them was killed, or took longer than it said.
update dead_letter_queue.letters set state = 'open', lease_owner = null, lease_until = null
where id in (
    select id from dead_letter_queue.letters
    where state = 'retrying' and lease_until <= clock_timestamp()
    for update skip locked
)
