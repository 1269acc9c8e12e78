"""The openai teacher: HTTP client, rate limits, budget, retries and the session that uses them."""
