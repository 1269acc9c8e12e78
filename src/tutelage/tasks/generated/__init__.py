"""Tasks whose problems a program makes."""
