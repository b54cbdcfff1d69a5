select * from dead_letter_queue.letters where id = %(id)s
