"""Graders, one for each kind of answer."""
