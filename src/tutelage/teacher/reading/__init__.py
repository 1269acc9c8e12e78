"""Takes the reasoning of a teacher's reply out of what stands round it."""
