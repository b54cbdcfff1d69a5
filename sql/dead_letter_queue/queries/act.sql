-- Who changes states in this transaction, why, and at what moment of the calendar.
select
    set_config('dead_letter_queue.who', %(who)s, true),
    set_config('dead_letter_queue.why', %(why)s, true),
    set_config('dead_letter_queue.at', %(at)s, true)
