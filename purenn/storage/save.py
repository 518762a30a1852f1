"""`save` and `load`: a tree of arrays in a file, written completely or not at all."""

import os
from typing import Any

from purenn.storage import tree_file


def save(path: str | os.PathLike[str], tree: Any) -> None:
    """Write a tree of arrays to a file, such as parameters or a whole `TrainState`.

    The format is safetensors, which other tools can read. Each array is named after its path in the
    tree, such as `params[1].w`, or `value` if the tree is a single array. The metadata describes
    every leaf and holds SHA-256 digests of everything. Saving requires the extra `checkpoints`. To
    install it, run `pip install -e '.[checkpoints]'` in purenn's folder.

    An existing file at `path` is replaced only when the new one is complete: `save` writes a
    temporary file in the same folder, syncs it to disk, renames it, and then syncs the folder. A
    failed write changes nothing.

    Args:
        path: the file to write, in an existing folder. `~` is expanded, and a URL such as `gs://…`
            is rejected.
        tree: a pytree whose leaves are JAX or NumPy arrays, PRNG keys of either kind, or Python
            numbers. Every dtype of safetensors works, including bfloat16 and some of float8.

    Raises:
        TypeError: if a leaf cannot be stored; the message names it.
        ValueError: if a leaf was donated or is on other machines, or `path` is a folder, a device,
            or a URL.
        OSError: if the file cannot be written; the message gives the path and the system's reason.
        ImportError: if safetensors is not installed.

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
    """Read a file that `save` wrote, and check that it is intact and holds the expected tree.

    Size, digests, names, shapes, and dtypes are checked before anything is returned, and only the
    data that `like` asks for is read. Nothing in the file is executed, no link is followed, and
    there is no pickle, so an untrusted file can do no worse than be rejected.

    A raw uint32 key does not say which PRNG implementation it belongs to. A file that may hold such
    a key is therefore rejected if JAX's default implementation has changed since it was saved.

    Args:
        path: the file to read; `~` is expanded.
        like: a tree of the same structure, shapes, and dtypes. Its values do not matter, so you can
            pass `jax.eval_shape(init, key)` to avoid computing them. A list and a tuple of the same
            leaves count as the same.

    Returns:
        A tree with the structure of `like`: JAX arrays where it has JAX arrays or
        `jax.ShapeDtypeStruct`, NumPy arrays where it has those, and keys and Python numbers
        likewise.

    Raises:
        ValueError: if the file is incomplete, corrupt, or was not written by `save`; or its tree
            differs from `like`, and the message names the first leaves that differ.
        TypeError: if `like` holds a leaf that cannot be stored.
        OSError: if the file cannot be read.
        ImportError: if safetensors is not installed.

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
