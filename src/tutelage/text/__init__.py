"""Reads what texts say: numbers, calculations, stated answers, sentences, LaTeX. Pure."""
