"""Readers of data files: the IDX format and the MNIST digits."""
