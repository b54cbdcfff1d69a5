update dead_letter_queue.letters set lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
where id = any(%(ids)s::bigint[]) and state = 'retrying' and lease_owner = %(who)s
