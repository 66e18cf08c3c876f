"""What stands in a mail: its words frozen, its headers, its signature."""
