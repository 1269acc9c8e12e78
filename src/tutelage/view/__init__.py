"""The page that shows what a student makes of its lessons: `tutelage view`."""
