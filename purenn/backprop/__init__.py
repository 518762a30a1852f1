"""Backpropagation by hand."""
