"""Parses texts: numbers, calculations, stated answers, sentences, LaTeX. Pure."""
