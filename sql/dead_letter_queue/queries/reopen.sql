-- Not what another retry holds: it would be done twice.
update dead_letter_queue.letters set
    state = 'open', closed_at = null, resolution = null, covered_by = null, lease_owner = null, lease_until = null
where id = %(id)s and state <> 'open'
    and (state <> 'retrying' or lease_owner = %(who)s or lease_until <= clock_timestamp())
returning *
