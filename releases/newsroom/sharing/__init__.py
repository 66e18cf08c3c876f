"""What others may pass on: links, pictures, frames, press kits."""
