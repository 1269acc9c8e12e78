"""Students and what they learnt from, in the forms of other tools."""
