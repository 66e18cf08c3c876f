"""Bringing another newsroom's releases in."""
