"""Measures the codec and its peers, and fills the documents with the tables."""
