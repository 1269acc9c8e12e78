"""The rounds: the stages of a round, and the loop over rounds."""
