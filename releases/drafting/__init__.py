"""From figures to words: Swedish and English drafts out of house templates. Pure."""
