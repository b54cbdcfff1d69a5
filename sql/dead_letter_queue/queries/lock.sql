select pg_advisory_lock(hashtext('oss_datastore'), hashtext(%(name)s))
