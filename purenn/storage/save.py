"""`save` and `load`: a tree of arrays in a file, whole or not at all."""

import os
from typing import Any

from purenn.storage import tree_file


def save(path: str | os.PathLike[str], tree: Any) -> None:
    """Write a tree of arrays to a file: parameters, state, a whole `TrainState`.

    The file is safetensors, which other tools can read. Arrays have the names that they have in the
    tree, such as `params[1].w`, or `value` if the tree is a single array. The metadata describes
    every leaf and holds a SHA-256 of everything. It needs `pip install 'purenn[checkpoints]'`.

    What was at `path` stays until the new file is complete: a temporary file beside it is written,
    synced to the disk and renamed, and the folder is synced. A write that fails changes nothing.

    Args:
        path: the file to write, in a folder that exists. A `~` at its beginning is expanded; a URL
            such as `gs://…` is rejected.
        tree: a pytree whose leaves are JAX or NumPy arrays, PRNG keys of either kind, or Python
            numbers. Every dtype that safetensors has works, bfloat16 and some of float8 included.

    Raises:
        TypeError: a leaf cannot be stored; the message names it.
        ValueError: a leaf was donated or is on other machines, or `path` is a folder, device or
            URL.
        OSError: the file cannot be written; the message has the path and the system's reason.
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
    """Read what `save` wrote, if it is intact and holds the expected tree.

    Size, digests, names, shapes and dtypes are checked before anything is returned, and no more is
    read than `like` asks for. Nothing in the file is run, followed or looked up: there is no
    pickle, and a file from a stranger can at worst be rejected.

    A raw uint32 key does not say which implementation it belongs to. So a file with what may be one
    is rejected if JAX's default implementation is another than when it was saved.

    Args:
        path: the file to read; `~` is expanded.
        like: a tree of the same structure, shapes and dtypes. Its values do not matter, so
            `jax.eval_shape(init, key)` does as well as `init(key)`. A list and a tuple of the same
            leaves count as the same.

    Returns:
        A tree with the structure of `like`: JAX arrays where it has JAX arrays or
        `jax.ShapeDtypeStruct`, NumPy arrays where it has those, keys and Python numbers likewise.

    Raises:
        ValueError: the file is incomplete, corrupt, or was not written by `save`; or it holds
            another tree than `like`, and the message names the first leaves that differ.
        TypeError: `like` holds something that cannot be stored.
        OSError: the file cannot be read.
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
