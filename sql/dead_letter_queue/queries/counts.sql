select state, dataset, error_class, count(*) from dead_letter_queue.letters
group by state, dataset, error_class
order by state, dataset, error_class
