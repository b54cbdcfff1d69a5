insert into dead_letter_queue.memory (name, value) values (%(name)s, %(value)s)
on conflict (name) do update set value = excluded.value, changed_at = clock_timestamp()
