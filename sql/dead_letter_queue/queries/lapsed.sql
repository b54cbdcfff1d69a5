select exists (
    select from dead_letter_queue.letters where state = 'retrying' and lease_until <= clock_timestamp()
)
