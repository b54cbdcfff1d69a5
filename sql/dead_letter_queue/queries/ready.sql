-- Whether the queue was ever made in this database.
select to_regclass('dead_letter_queue.migrations') is not null
