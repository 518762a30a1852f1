"""`save` and `load`: a tree of arrays in a file, whole or not at all."""

import os
from typing import Any

from purenn.storage import tree_file


def save(path: str | os.PathLike[str], tree: Any) -> None:
    """Write a tree of arrays to a file, such as parameters or a whole `TrainState`.

    The format is safetensors, which other tools can read. Arrays are named after their place in the
    tree, such as `params[1].w`, or `value` if the tree is a single array. The metadata describes
    every leaf and holds SHA-256 digests of everything. This needs `pip install
    'purenn[checkpoints]'`.

    An existing file at `path` stays until the new one is complete: a temporary file beside it is
    written, synced to disk and renamed, and the folder is synced. A write that fails changes
    nothing.

    Args:
        path: the file to write, in an existing folder. `~` is expanded, and a URL such as `gs://…`
            is rejected.
        tree: a pytree whose leaves are JAX or NumPy arrays, PRNG keys of either kind, or Python
            numbers. Every dtype of safetensors works, including bfloat16 and some of float8.

    Raises:
        TypeError: a leaf can't be stored; the message names it.
        ValueError: a leaf was donated or is on other machines, or `path` is a folder, a device or a
            URL.
        OSError: the file can't be written; the message has the path and the system's reason.
        ImportError: safetensors is missing.

    Examples:
        >>> import tempfile
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> params = pn.DenseParams(w=jnp.ones((2, 3)), b=jnp.zeros(3))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     pn.save(f"{folder}/params.safetensors", params)
        ...     again = pn.load(f"{folder}/params.safetensors", like=params)
        >>> print(again.w.shape, bool((again.w == params.w).all()))
        (2, 3) True
    """
    tree_file.write("save", path, tree, {})


def load(path: str | os.PathLike[str], like: Any) -> Any:
    """Read a file that `save` wrote, if it is intact and holds the expected tree.

    Size, digests, names, shapes and dtypes are checked before anything is returned, and only as
    much is read as `like` asks for. Nothing in the file is executed or followed, and there is no
    pickle: the worst that a file from a stranger can do is to be rejected.

    A raw uint32 key does not show which PRNG implementation it belongs to. So a file that may hold
    one is rejected if JAX's default implementation is not the one with which it was saved.

    Args:
        path: the file to read; `~` is expanded.
        like: a tree of the same structure, shapes and dtypes. Its values do not matter, so
            `jax.eval_shape(init, key)` works as well as `init(key)`. A list and a tuple of the same
            leaves count as the same.

    Returns:
        A tree with the structure of `like`: JAX arrays where it has JAX arrays or
        `jax.ShapeDtypeStruct`, NumPy arrays where it has those, keys and Python numbers likewise.

    Raises:
        ValueError: the file is incomplete, corrupt, or was not written by `save`; or its tree is
            not that of `like`, and the message names the first leaves that differ.
        TypeError: `like` holds something that can't be stored.
        OSError: the file can't be read.
        ImportError: safetensors is missing.

    Examples:
        >>> import tempfile
        >>> import jax
        >>> import purenn as pn
        >>> model = pn.dense(3)
        >>> like = jax.eval_shape(lambda key: model.init(key, in_shape=(2,)), jax.random.key(0))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     pn.save(f"{folder}/model.safetensors", model.init(jax.random.key(0), in_shape=(2,)))
        ...     params, state = pn.load(f"{folder}/model.safetensors", like)
        >>> print(params.w.shape, state)
        (2, 3) ()
    """
    return tree_file.read("load", path, like)[0]
