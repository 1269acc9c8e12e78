"""The `server` engine: an OpenAI-compatible server samples the student (docs/scaling.md)."""
