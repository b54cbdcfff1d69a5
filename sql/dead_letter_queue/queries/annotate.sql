update dead_letter_queue.letters set note = %(note)s where id = %(id)s returning *
