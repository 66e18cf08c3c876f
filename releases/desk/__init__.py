"""The office's own day: what waits for whom, what is coming, who is told of what."""
