"""Trees of arrays on disk: written whole or not at all, and verified when they are read."""
