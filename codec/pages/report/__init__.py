"""A page about one encode: what it cost, what came of it, what the update changed."""
