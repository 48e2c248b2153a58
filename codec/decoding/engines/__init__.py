"""Engines: what runs the networks of a model.  Integers in, integers out, the same from each.

`compiled` is a small library in C, and what decodes where it is there; `reference` runs in torch,
and is what it is checked against.
"""
