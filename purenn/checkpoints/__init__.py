"""Checkpoints in a folder: lock, rotation, and the way back from a damaged file."""
