"""One file a framework: how its documentation trains a network."""
