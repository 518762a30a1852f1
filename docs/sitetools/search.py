"""The search index, mended after the site is built: `python -m sitetools.search SITE`.

Formulas are left out. Entries of the reference get the words that people use for them, and those
whose name begins other names, as `adam` begins `adamax`, come before these.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

SYNONYMS = {
    "adam": "optimizer",
    "adamw": "weight decay L2 regularization decoupled",
    "avg_pool": "average pooling mean pool",
    "batch_norm": "batchnorm BN batch normalization",
    "binary_cross_entropy": "BCE bce log loss binary crossentropy",
    "categorical_cross_entropy": "CE NLL crossentropy negative log likelihood",
    "clip_by_global_norm": "gradient clipping clip gradients exploding gradients",
    "conv2d": "convolution conv CNN Conv2D",
    "cosine_decay": "learning rate schedule scheduler annealing",
    "dense": "linear fully connected affine Linear Dense perceptron",
    "evaluate": "test accuracy validation",
    "fit": "training loop train early stopping checkpoints",
    "gru": "recurrent RNN",
    "initializers.glorot_normal": "xavier",
    "initializers.glorot_uniform": "xavier",
    "initializers.he_normal": "kaiming he initialization",
    "initializers.he_uniform": "kaiming he initialization",
    "inverse_time_decay": "learning rate decay step size scheduler",
    "l2_penalty": "weight decay L2 regularization ridge",
    "layer_norm": "layernorm LN layer normalization",
    "load": "restore checkpoint read weights",
    "lstm": "recurrent RNN",
    "mae": "L1 loss mean absolute error",
    "max_pool": "maxpool pooling",
    "mlp": "multilayer perceptron feedforward network",
    "momentum": "nesterov heavy ball",
    "mse": "MSE L2 loss mean squared error",
    "save": "checkpoint store weights",
    "serial": "sequential Sequential model",
    "sgd": "gradient descent SGD learning rate step size",
    "sigmoid_binary_cross_entropy": "BCE bce with logits binary crossentropy",
    "silu": "swish",
    "softmax_cross_entropy": "CE crossentropy CrossEntropyLoss NLL log loss",
    "train": "training loop early stopping callbacks",
    "value_and_grad": "backprop backpropagation gradient backward VJP",
}
# TeX cannot be read in a result, and nobody searches for it.
MATH = re.compile(r"\\\[.*?\\\]|\\\(.*?\\\)", re.DOTALL)
TAGS = {  # of a page: the result shows them, and they count more than words
    "course/batch-norm/": ["batch norm"],
    "course/optimizers/": ["learning rate", "step size"],
}
LESS = {"teaching/": 0.5}  # exercises and planted mistakes name everything
FIRST = 4  # times the score of a name that begins other names


def firsts(names: set[str]) -> set[str]:
    """Names that begin others, `adam` and `load`, and those that go on with another word.

    A word is looked for at the beginning of other words too, so `adam` would find `adamax` first.
    But `load_mnist` is as exact an answer to its own name as `load` is.
    """
    found = set()
    for name in names:
        for other in names - {name}:
            rest = other[len(name) :]
            if other.startswith(name) and "." not in rest:
                found |= {name, other} if rest[0] == "_" or rest[0].isupper() else {name}
    return found


def mended(index: dict[str, Any]) -> dict[str, Any]:
    """The index with those changes."""
    names = {d["location"].partition("#purenn.")[2] for d in index["docs"]} - {""}
    unknown = SYNONYMS.keys() - names
    if unknown:
        raise LookupError(f"search: {min(unknown)} is not in the index")
    first, docs = firsts(names), []
    for doc in index["docs"]:
        doc = doc | {"text": MATH.sub(" ", doc["text"])}
        if doc["location"] in TAGS:
            doc = doc | {"tags": TAGS[doc["location"]]}
        name = doc["location"].partition("#purenn.")[2]
        for folder, boost in LESS.items():
            if doc["location"].startswith(folder):
                doc = doc | {"boost": boost}
        if name:
            doc = doc | {"text": f"{doc['text']} {SYNONYMS.get(name, '')}".strip()}
            if name in first:
                doc["boost"] = doc.get("boost", 1) * FIRST
        docs.append(doc)
    return index | {"docs": docs}


def write(site: Path) -> None:
    """Mend the index of a built site."""
    path = site / "search" / "search_index.json"
    index = json.loads(path.read_text())
    path.write_text(json.dumps(mended(index), ensure_ascii=False))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
