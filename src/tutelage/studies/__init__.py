"""Studies: arms that differ in one thing, over several seeds, compared on the same problems."""
