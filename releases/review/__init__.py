"""Other eyes on a text: reviews, comments, invited people, and the word of those quoted."""
