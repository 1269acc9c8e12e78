"""Tutelage teaches small language models to reason."""
