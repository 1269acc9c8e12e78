"""The rounds: stages, and the loop over them."""
