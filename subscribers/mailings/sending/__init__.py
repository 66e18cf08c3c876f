"""From an audience to the mail server: write down, claim, fence, hand over, learn."""
