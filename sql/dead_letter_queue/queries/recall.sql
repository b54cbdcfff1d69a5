select value from dead_letter_queue.memory where name = %(name)s
