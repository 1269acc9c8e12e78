"""Teachers that cost nothing: worked solutions and recorded rationales."""
