"""Searches for weight updates, of the post-filter and of the prior."""
