select name, value from dead_letter_queue.memory where starts_with(name, %(prefix)s) order by name
