"""The training runs on MNIST that the scripts here kill, stop and repeat."""

import hashlib
import os
from pathlib import Path

import jax
import numpy as np

import purenn as pn

MNIST = Path(__file__).parents[2] / "examples" / "data" / "mnist"
KEPT, BATCH = 55_000, 128


def dense():
    return pn.serial(
        pn.rescale(),
        pn.flatten(),
        pn.dense(128),
        pn.batch_norm(),
        pn.relu,
        pn.dropout(0.2),
        pn.dense(10),
    )


def cnn():
    return pn.serial(
        pn.rescale(),
        *(pn.conv2d(32), pn.relu, pn.max_pool(), pn.conv2d(64), pn.relu, pn.max_pool()),
        *(pn.flatten(), pn.dense(128), pn.relu, pn.dropout(0.4), pn.dense(10)),
    )


MODELS = {"dense": dense, "cnn": cnn}


def run(model, epochs, *, kept=KEPT, source="arrays", **options):
    """A `fit` with shuffle, dropout, Adam, a schedule and validation."""
    (x, y), _ = pn.load_mnist(MNIST)
    x = x[..., None] if model == "cnn" else x
    steps = kept // BATCH

    def function(epoch):
        rows = np.random.default_rng(epoch).permutation(kept)[: steps * BATCH]
        return ((x[some], y[some]) for some in rows.reshape(steps, BATCH))

    data, batch_size = ((x[:kept], y[:kept]), BATCH) if source == "arrays" else (function, None)
    return pn.fit(
        MODELS[model](),
        pn.softmax_cross_entropy,
        pn.adam(pn.cosine_decay(0.003, epochs * steps)),
        data,
        epochs=epochs,
        batch_size=batch_size,
        key=jax.random.key(0),
        penalty=pn.l2_penalty(1e-4),
        validation=(x[KEPT : KEPT + kept // 10], y[KEPT : KEPT + kept // 10]),
        progress=False,
        **options,
    )


def bits(result):
    """The SHA-256 of a `TrainState` and a history, except for the seconds."""
    (*trained, key, step), history = result
    leaves = jax.tree.leaves((*trained, jax.random.key_data(key), step))
    digest = hashlib.sha256()
    for leaf in leaves:
        digest.update(f"{leaf.dtype}{leaf.shape}".encode() + np.asarray(leaf).tobytes())
    digest.update(repr([record._replace(seconds=0.0) for record in history]).encode())
    return digest.hexdigest()


def cached(folder):
    """An environment in which a process finds what an earlier one compiled."""
    return os.environ | {
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",  # XLA's long remarks on what it found there
    }
