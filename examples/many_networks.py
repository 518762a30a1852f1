"""Luck and the learning rate: train 32 small networks at once, and see how much they differ.

python examples/many_networks.py                    half a minute on two cores, and a picture
python examples/many_networks.py --epochs 1
python examples/many_networks.py --cpu-devices 2    half of the networks on each of two devices
python examples/many_networks.py --help             every option

`training_run` is a pure function of the key, and `adam` of the learning rate, so `vmap` turns all
the runs into one program. The key determines the initial weights and the order of the images. Each
of several devices trains the networks of some of the keys, and nothing moves between them.
"""

if __name__ == "__main__":
    import interrupts  # before JAX

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
from converters import AtLeast1, local
from cyclopts import App, Parameter
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P
from matplotlib.figure import Figure

import purenn as pn

RATES = (0.0003, 0.001, 0.003, 0.01)
BLUE, ORANGE = "#0072B2", "#D55E00"

model = pn.serial(pn.rescale(), pn.flatten(), pn.mlp((16, 16), 10))  # 784-16-16-10

app = App(name="many_networks.py", version_flags=[], result_action="return_value")


@app.default
def main(
    *,
    keys: AtLeast1 = 8,
    epochs: AtLeast1 = 5,
    data: Path = Path(__file__).parent / "data" / "mnist",
    output: Annotated[Path, Parameter(converter=local)] = Path("runs/many_networks.png"),
    cpu_devices: AtLeast1 | None = None,
) -> None:
    """Train a small network on MNIST with every key and every learning rate, all at once.

    Args:
        keys: how many networks each learning rate gets.
        epochs: passes over the training images.
        data: folder with the four files of MNIST.
        output: the PNG file to draw. An earlier one is replaced once this one is complete.
        cpu_devices: make this many devices from the CPU, to try what several do.
    """
    try:
        if cpu_devices is not None:
            jax.config.update("jax_num_cpu_devices", cpu_devices)
            if (kind := jax.devices()[0].platform) != "cpu":
                raise ValueError(f"--cpu-devices needs JAX_PLATFORMS=cpu set: JAX uses {kind} here")
        if output.suffix != ".png" or output.is_dir():
            raise ValueError(f"--output must be the name of a .png file, got {output}")
        train, test = pn.load_mnist(data)
        output.parent.mkdir(parents=True, exist_ok=True)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")

    def run(key: Any, rate: Any) -> Any:
        """Train one network in an ordinary training run, and measure it on the test set."""
        fit = pn.training_run(
            model, pn.softmax_cross_entropy, pn.adam(rate), epochs=epochs, batch_size=32
        )
        trained, losses = fit(key, train.x, train.y)
        logits, _ = model.apply(trained.params, trained.state, test.x)
        return pn.accuracy(logits, test.y), losses[-1].mean()

    train_all = jax.jit(jax.vmap(jax.vmap(run, (0, None)), (None, 0)))  # (rates, keys)
    shared, devices = share_out(jax.random.split(jax.random.key(0), keys))
    plan = f"training {len(RATES) * keys} networks, {epochs} epochs, as one program"
    print(plan if devices == 1 else f"{plan} on {devices} devices", flush=True)
    start = time.perf_counter()
    accuracies, losses = (np.asarray(a)[:, :keys] for a in train_all(shared, jnp.asarray(RATES)))
    percent = 100 * accuracies
    print(f"done in {time.perf_counter() - start:.0f} s, compiling included\n")
    print("learning rate  worst   median  best    (% of the test set right)  training loss")
    for rate, row, loss in zip(RATES, percent, losses, strict=True):
        worst, median, best = np.quantile(row, (0, 0.5, 1))
        print(f"{rate:<13g}  {worst:<6.2f}  {median:<6.2f}  {best:<6.2f}{loss.mean():>35.4f}")
    draw(output, percent, epochs)
    print(f"\nwritten to {output}")


def share_out(keys: Any) -> tuple[Any, int]:
    """Shard the keys over the devices, at most one per key; return them, and how many devices.

    Where the keys do not divide evenly, the first ones are used twice. This takes no longer: a
    device with one key fewer would wait for the others.
    """
    devices = jax.devices()[: len(keys)]
    if len(devices) == 1:
        return keys, 1
    even = -(-len(keys) // len(devices)) * len(devices)
    auto = (AxisType.Auto,)  # XLA works out the shardings of everything else
    mesh = jax.make_mesh((len(devices),), ("networks",), axis_types=auto, devices=devices)
    keys = keys[jnp.arange(even) % len(keys)]
    return jax.device_put(keys, NamedSharding(mesh, P("networks"))), len(devices)


def draw(path: Path, percent: Any, epochs: int) -> None:
    """Draw a dot per network, and a line at the median of each learning rate."""
    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    axes = figure.subplots()
    rates, keys = percent.shape
    aside = np.linspace(-0.12, 0.12, keys) if keys > 1 else np.zeros(1)
    for i, row in enumerate(percent):
        axes.plot(i + aside, np.sort(row), "o", color=BLUE, alpha=0.7)
        axes.hlines(np.median(row), i - 0.25, i + 0.25, color=ORANGE, linewidth=2)
        text = f"{np.median(row):.2f}"
        axes.annotate(text, (i + 0.28, np.median(row)), va="center", color=ORANGE)
    axes.set(
        title=f"{rates * keys} networks 784-16-16-10, {epochs} epochs of Adam, trained at once",
        xlabel="learning rate",
        ylabel="test accuracy (%), one dot per key; line: median",
        xticks=range(rates),
        xticklabels=[f"{rate:g}" for rate in RATES],
        xlim=(-0.5, rates - 0.3),
    )
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    unfinished = path.with_suffix(".unfinished.png")
    figure.savefig(unfinished, dpi=120)
    unfinished.replace(path)


if __name__ == "__main__":
    interrupts.run(app)
