"""OSS-Datastore: keeps what GitHub forgets about an organisation's repositories."""
