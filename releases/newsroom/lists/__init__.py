"""Releases by programme, topic, place and year, rounds with their money, and the search."""
