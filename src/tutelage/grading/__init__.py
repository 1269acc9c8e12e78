"""The tasks' graders, one for each kind of answer."""
