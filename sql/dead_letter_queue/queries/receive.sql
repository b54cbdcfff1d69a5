insert into dead_letter_queue.receipts (occurrence) values (%(occurrence)s) on conflict do nothing
