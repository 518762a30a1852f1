"""Seventy examples of three classes: what most tests of training train on."""

import numpy as np

CLASSES, FEATURES, EXAMPLES = 3, 6, 70
X = np.random.default_rng(0).normal(size=(EXAMPLES, FEATURES)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int32) + (X[:, 1] > 0)
