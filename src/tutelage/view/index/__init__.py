"""The index of a run's files: SQLite, made piece by piece in the background, thrown away when it is stale."""
