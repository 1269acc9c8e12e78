"""The student: the small model that learns. torch and transformers are imported in this folder alone."""
