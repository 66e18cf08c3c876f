"""Telling feeds' followers of news (WebSub): hubs outside, and one of our own."""
