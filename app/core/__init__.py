"""The floor every part stands on: database, clock, errors, words, html, mail, jobs, accounts.

Imports only itself, so that nothing here can know what a release or a subscriber is.
"""
