"""Layers: a file for each, with its forward and its backward side by side."""
