"""Who hears it: people, their subscriptions, the mailings and each single delivery.

Promises: an address is written to only after its owner said yes; leaving takes one click and
holds; a queued mailing loses nobody, whatever is killed in between. Knows no Release; may
import `app.core` only.
"""
