"""Several releases in one mail, once a day or a week."""
