"""The user's own data: files and hub data sets, as rows; rows in their usual forms, as drafts of problems."""
