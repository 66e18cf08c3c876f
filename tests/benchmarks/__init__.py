"""What Pressrum does beside what the machine can do, in one run. Not part of the test suite."""
