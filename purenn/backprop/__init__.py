"""Backpropagation, by hand, and the tools that show and check it."""
