"""Memory and hardware: what is available, and what is used."""
