"""A user's first script: an epoch of 784-128-10, and its mean loss. The argument is a folder."""

import sys

import jax
import numpy as np

import purenn as pn

x, y = (np.load(f"{sys.argv[1]}/{name}.npy") for name in "xy")
model = pn.serial(pn.rescale(), pn.dense(128), pn.relu, pn.dense(10))
_, history = pn.fit(
    model,
    pn.softmax_cross_entropy,
    pn.adam(1e-3),
    (x, y),
    epochs=1,
    batch_size=128,
    key=jax.random.key(0),
    progress=False,
)
print(history[0].loss)
