"""The newsroom for programs: search engines, newsrooms' systems, our own API."""
