"""Makes the files of released models out of training runs."""
