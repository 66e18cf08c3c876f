"""What the public sees: the newsroom's pages and its feed."""
