"""Asks an API's teacher by batches."""
