"""How mailings go and went, and who is told when one needs a person."""
