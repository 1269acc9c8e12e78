"""The teachers: whoever writes rationales."""
