"""The digits that a reader trains on in the browser, as one file.

python -m sitetools.train      with docs/ on the path

It writes `digits.bin`: the first 3,000 training images of MNIST and the first 500 test images,
uint8, 784 bytes each; then their 3,500 labels, uint8; all of it compressed with zlib.
"""

import zlib
from pathlib import Path

import numpy as np

import purenn as pn
from sitetools import ROOT

TARGET = ROOT / "docs" / "pages" / "assets" / "train" / "digits.bin"
DATA = ROOT / "examples" / "data" / "mnist"
TRAINING, HELD_OUT = 3000, 500


def content() -> bytes:
    """Return the images and the labels as the browser reads them, before they are compressed."""
    (x, y), (x_test, y_test) = pn.load_mnist(DATA)
    images = np.concatenate([x[:TRAINING], x_test[:HELD_OUT]])
    labels = np.concatenate([y[:TRAINING], y_test[:HELD_OUT]])
    return images.tobytes() + labels.tobytes()


def write(target: Path = TARGET) -> None:
    """Write the file."""
    target.write_bytes(zlib.compress(content(), 9))


if __name__ == "__main__":
    write()
