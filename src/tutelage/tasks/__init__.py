"""The problems: tasks and graders."""
