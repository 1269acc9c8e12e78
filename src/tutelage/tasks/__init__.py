"""Tasks: problems in splits, and their graders."""
