"""The newsroom: what visitors read, and only what is published.

Promises: a draft is never readable; a withdrawn release leaves a tombstone with its reason; no
cookie, no script needed, no request to others; every page asks the database a fixed number of
times.
"""
