insert into dead_letter_queue.migrations (number, name, digest) values (%(number)s, %(name)s, %(digest)s)
