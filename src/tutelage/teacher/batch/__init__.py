"""The openai teacher through the Batch API."""
