select pg_advisory_unlock(hashtext('oss_datastore'), hashtext(%(name)s))
