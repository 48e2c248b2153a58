"""Searches: pixels -> the file of least cost."""
