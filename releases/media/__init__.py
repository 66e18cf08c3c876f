"""Images and documents of a story, with the rights to them."""
