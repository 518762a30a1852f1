"""Model parallelism: wide layers sharded over one axis of a mesh, batches over the other.

python examples/wide_mlp.py                    on a mesh of 2 × 4 devices, a few seconds
python examples/wide_mlp.py --mesh 1 8         the same network sharded over eight
python examples/wide_mlp.py --width 4096
python examples/wide_mlp.py --help             every option

The first dense layer of a pair is sharded by column: each device has some of the units. The second
is sharded by row: each device has the weights that multiply those units, and adds its share to the
sum. No device ever holds the whole hidden layer, and a pair takes one all-reduce in the forward
pass and one in the backward pass. Only `initializers.sharded` says so: the model, the loss, the
backward pass and `fit` are the usual ones.
"""

if __name__ == "__main__":
    import interrupts  # before JAX

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
from converters import AtLeast1, integer
from cyclopts import App, Parameter
from cyclopts.validators import Number
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

import purenn as pn
from purenn.initializers import he_normal, sharded, zeros

NARROW = 256  # what comes out of the first pair
BATCH = 128

Images = Annotated[int, Parameter(validator=Number(gte=BATCH, lte=60_000), converter=integer)]
app = App(name="wide_mlp.py", version_flags=[], result_action="return_value")


@app.default
def main(
    *,
    width: AtLeast1 = 1024,
    mesh: Annotated[tuple[AtLeast1, AtLeast1], Parameter(negative="")] = (2, 4),
    images: Images = 6_400,
    epochs: AtLeast1 = 2,
    data: Path = Path(__file__).parent / "data" / "mnist",
) -> None:
    """Train a wide network on MNIST, sharded over devices, and compare it with one device.

    Args:
        width: units of the two wide layers; a multiple of the devices that share them.
        mesh: how many devices share a batch, and how many share each wide layer. On a CPU they
            are made; otherwise there must be that many.
        images: how many of the 60,000 training images to use.
        epochs: passes over them.
        data: folder with the four files of MNIST.
    """
    try:
        over = mesh_of(mesh)
        if BATCH % mesh[0]:
            raise ValueError(f"--mesh must begin with a divisor of {BATCH}, got {mesh[0]}")
        if width % mesh[1]:
            raise ValueError(f"--width must be a multiple of {mesh[1]}, got {width}")
        (x, y), test = pn.load_mnist(data)
        x, y = x[:images], y[:images]
        compare(wide(width), over, (x, y), test, epochs)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


def mesh_of(sizes: tuple[int, int]) -> Mesh:
    """Make a grid of devices. Its rows share a batch, and its columns share a layer."""
    if jax.config.jax_num_cpu_devices < 0:
        with suppress(RuntimeError):  # raised where JAX has been used, and has its devices
            jax.config.update("jax_num_cpu_devices", prod(sizes))  # has no effect on accelerators
    found = jax.devices()
    if len(found) < prod(sizes):
        kind = found[0].platform
        remedy = "" if kind == "cpu" else "; with JAX_PLATFORMS=cpu they are made from the CPU"
        raise ValueError(
            f"--mesh {sizes[0]} {sizes[1]} needs {prod(sizes)} devices, and JAX finds "
            f"{len(found)} ({kind}){remedy}"
        )
    return jax.make_mesh(sizes, ("data", "model"), devices=found[: prod(sizes)])


def wide(width: int) -> pn.Layer:
    """Build 784-width-256-width-10."""

    def by_column(units: int) -> pn.Layer:
        w_init = sharded(he_normal, P(None, "model"))
        return pn.dense(units, w_init=w_init, b_init=sharded(zeros, P("model")))

    def by_row(units: int) -> pn.Layer:
        return pn.dense(units, w_init=sharded(he_normal, P("model", None)))

    first = by_column(width), pn.gelu, by_row(NARROW), pn.gelu
    second = by_column(width), pn.gelu, by_row(10)
    return pn.serial(pn.rescale(), pn.flatten(), *first, *second)


def compare(model: pn.Layer, mesh: Mesh, data: Any, test: Any, epochs: int) -> None:
    """Train on the mesh and on one device, and show what each device holds and what moves."""
    loss, optimizer = pn.softmax_cross_entropy, pn.momentum(0.1)
    options = {
        "epochs": epochs,
        "batch_size": BATCH,
        "key": jax.random.key(0),
        # The order of the images depends on the blocks: use as many with a mesh as without.
        "blocks": max(8, mesh.shape["data"]),
        "progress": False,
    }
    trained, on_mesh = pn.fit(model, loss, optimizer, data, mesh=mesh, **options)
    print(f"trained on {mesh.shape['data']} by {mesh.shape['model']} devices, as", mesh.axis_names)
    show_parameters(model, trained.params)

    batch = jax.device_put(tuple(a[:BATCH] for a in data), NamedSharding(mesh, P("data")))
    step = jax.jit(pn.train_step(model, loss, optimizer))
    program = step.lower(trained, *batch).compile().as_text()
    print(f"\ncollectives of a compiled step on {BATCH} images, with the shapes on one device")
    for kind, group, shapes in collectives(program):
        axes = " and ".join(varying(group, mesh))
        more = f" and {len(shapes) - 4} more" if len(shapes) > 4 else ""
        print(f"  {kind} over {axes:<7}{' '.join(shapes[:4])}{more}")

    _, on_one = pn.fit(model, loss, optimizer, data, **options)
    print("\nepoch  loss on the mesh  on one device  difference")
    for a, b in zip(on_mesh, on_one, strict=True):
        print(f"{a.epoch:<7}{a.loss:<18.6f}{b.loss:<15.6f}{abs(a.loss / b.loss - 1):.0e}")
    learned = trained.params, trained.state
    _, accuracy = pn.evaluate(model, loss, *learned, *test, mesh=mesh)
    print(f"\ntest accuracy {100 * accuracy:.2f} %")


def show_parameters(model: pn.Layer, params: Any) -> None:
    """Print how each array is sharded, and how much of all of them a device holds."""
    print("\nlayer         array  shape         sharding            shard of one device")
    for layer, part in zip(model.parts, params, strict=True):
        for name, array in part._asdict().items() if part else ():
            shard = array.addressable_shards[0].data.shape
            spec = array.sharding.spec
            how = "replicated" if array.sharding.is_fully_replicated else f"P{tuple(spec)}"
            print(f"{layer.name:<14}{name:<7}{array.shape!s:<14}{how:<20}{shard}")
    arrays = jax.tree.leaves(params)
    held = sum(array.addressable_shards[0].data.nbytes for array in arrays)
    print(
        f"{held / 1e6:.2f} MB per device, of {sum(array.nbytes for array in arrays) / 1e6:.2f} MB"
    )


COLLECTIVES = "all-reduce|all-gather|all-to-all|reduce-scatter|collective-permute"
COLLECTIVE = re.compile(
    rf"= (?P<result>\S.*?) (?P<kind>{COLLECTIVES})(?:-start)?\(.*?"
    r"(?:replica_groups|source_target_pairs)=(?P<groups>.*?), (?:\w+=|metadata)"
)


def collectives(program: str) -> Iterator[tuple[str, list[int], list[str]]]:
    """Yield the collectives of a compiled program: kind, a group of devices, shapes."""
    for found in COLLECTIVE.finditer(program):
        shapes = re.findall(r"\w+\[[\d,]*\]", found["result"])
        yield found["kind"], group_of(found["groups"]), shapes


def group_of(text: str) -> list[int]:
    """Return the first group of devices. XLA writes groups in three ways."""
    if listed := re.match(r"\{\{([\d,]+)\}", text):  # {{0,1,2,3},{4,5,6,7}}
        return [int(device) for device in listed[1].split(",")]
    if named := re.match(r"mesh\[(.*?)\].*?\{(.*?)\}", text):  # mesh['data'=2,'model'=4] {'data'}
        sizes = dict(re.findall(r"'(\w+)'=(\d+)", named[1]))
        ids = np.arange(prod(map(int, sizes.values()))).reshape([int(n) for n in sizes.values()])
        kept = [slice(None) if name in named[2] else 0 for name in sizes]
        return ids[tuple(kept)].ravel().tolist()
    if counted := re.match(r"\[(\d+),(\d+)\]<=\[([\d,]+)\](?:T\(([\d,]+)\))?", text):
        groups, size, shape, order = counted.groups()  # [4,2]<=[2,4]T(1,0): a transposed grid
        ids = np.arange(int(groups) * int(size)).reshape([int(n) for n in shape.split(",")])
        if order:
            ids = ids.transpose([int(axis) for axis in order.split(",")])
        return ids.reshape(int(groups), int(size))[0].tolist()
    raise ValueError(f"unknown notation of replica groups: {text}")


def varying(group: list[int], mesh: Mesh) -> list[str]:
    """Return the axes of the mesh along which the devices of a group differ."""
    places = np.array([np.unravel_index(i, mesh.devices.shape) for i in group])
    return [name for name, at in zip(mesh.axis_names, places.T, strict=True) if len({*at}) > 1]


if __name__ == "__main__":
    interrupts.run(app)
