"""The lessons: stages, and the loop over them."""
