update dead_letter_queue.letters set
    state = %(state)s, closed_at = %(at)s, resolution = %(why)s, lease_owner = null, lease_until = null
where id = %(id)s and state <> %(state)s
returning *
