"""Studies: arms that differ in one setting, run over several seeds and compared on the same problems."""
