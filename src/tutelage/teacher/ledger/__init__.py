"""Every request and reply, in SQLite."""
