"""Notice local changes: stamps on rows, wake-ups after commit, tombstones of deleted rows."""
