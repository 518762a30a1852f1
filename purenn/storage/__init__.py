"""Trees of arrays on disk: whole or not at all, and checked on the way back in."""
