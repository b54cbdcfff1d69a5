"""Names of the jobs, for whoever starts or links to one: in the launchpad they are what people look for."""

DAILY = "daily"
BACKFILL = "backfill"
REBUILD = "rebuild"
RETRY = "retry_dead_letters"
WEEKLY_DIGEST = "weekly_digest"
