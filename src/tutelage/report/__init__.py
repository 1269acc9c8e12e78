"""Output: tables, plots, pages, progress."""
