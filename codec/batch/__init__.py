"""Many files: which they are, what is done with each, and who does it.

    names ── sources ──► files ── plan ──► jobs ── serial | local | dask ──► one result for each

A job never raises and writes its output whole or not at all, so an engine may run it again when a
process dies: nothing is lost, and nothing comes twice.
"""
