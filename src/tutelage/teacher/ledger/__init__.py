"""The ledger: every paid request and its reply, in SQLite."""
