"""People who asked to be written to: signing up, confirming, leaving, importing, suppression."""
