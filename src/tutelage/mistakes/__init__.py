"""What is wrong with an attempt, and which one is shown to the teacher."""
