-- Waits for writers that hold a lower number and have not committed: whoever goes on from the last number it saw would
-- never see theirs.
lock table dead_letter_queue.transitions in share mode
