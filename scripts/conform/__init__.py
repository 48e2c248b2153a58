"""Checks that files decode as FORMAT.md says: vectors, fuzzing, exactness, other readers."""
