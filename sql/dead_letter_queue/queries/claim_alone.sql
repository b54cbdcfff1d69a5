-- One claim at a time, to its commit: two at once would not see which fetches the other has just begun.
select pg_advisory_xact_lock(hashtext('oss_datastore'), hashtext('claim'))
