"""Analyses wrong attempts, and selects those to show to the teacher."""
