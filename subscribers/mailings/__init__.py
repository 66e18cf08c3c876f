"""One sending of frozen words to a frozen audience, a row for each address, nothing lost."""
