select number, digest from dead_letter_queue.migrations order by number
