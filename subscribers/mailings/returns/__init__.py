"""What comes back: bounces, complaints, mails that end a subscription, and what they mean.

A report counts once however often it is handed in, and only for the delivery whose mark it bears.
"""
