-- The lock waits for writers that hold a lower number and have not committed: whoever reads on from the last
-- number it saw would never see theirs.
lock table dead_letter_queue.transitions in share mode;
select id, letter_id, at, from_state, to_state, who, why, attempts from dead_letter_queue.transitions
where id > %(id)s order by id limit %(limit)s
