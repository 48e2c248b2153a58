"""Compares ways to do a thing, all else equal: each file has its rows and its table."""
