select id, letter_id, at, from_state, to_state, who, why, attempts from dead_letter_queue.transitions
where letter_id = %(id)s order by id
