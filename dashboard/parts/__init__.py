"""What pages are put together from, and has a life of its own: one file each."""
