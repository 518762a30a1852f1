"""`dense`: the backward pass of a layer."""

from grading.part import Part, derivatives, generator, sizes


def data(seed):
    rng = generator("dense", seed)
    m, n_in, n_out = sizes(rng, 3)
    return rng.normal(size=(m, n_in)), rng.normal(size=(n_in, n_out)), rng.normal(size=n_out)


def backward(student, seed):
    return derivatives(
        ("dx", "dw", "db"),
        lambda x, w, b: x @ w + b,
        student,
        *data(seed),
        letters={"y": "z", "dy": "dz"},
    )


PARTS = (Part("backward", ("dx", "dw", "db"), backward),)
