"""What is measured: every row, who takes part in it, and what purenn must reach."""

import recurrent
import sequences
from row import EPOCHS, FUNCTIONS, OURS, PYTORCH, Contestant, Goal, Row, peers, scans
from tasks import Task

PRODUCTS = "its matrix products"
USUAL = tuple(FUNCTIONS)
SCANS = scans(FUNCTIONS)
PEERS = (*USUAL, *SCANS, *PYTORCH, "NumPy")

FIT = Contestant(OURS, "purenn", "fit")
TINY = Task(hidden=(16, 16), batch=32, steps=1875)


def dense(name: str, title: str, task: Task, goals: tuple[Goal, ...]) -> Row:
    """An epoch of a dense network with shuffle."""
    contestants = (
        FIT._replace(steps=EPOCHS * task.steps),
        *peers(),
        Contestant("NumPy", "texts", "train"),
        Contestant(PRODUCTS, "purenn", "products"),
    )
    return Row(name, title, "epoch", task, contestants, goals, trains=True)


def host_time(leaves: int, hidden: tuple[int, ...]) -> Row:
    """The host's part of a step."""
    return Row(
        f"host_time_{leaves}",
        f"Host time of one jitted step call, {leaves} leaves",
        "call",
        Task(hidden=hidden, inputs=8, batch=8, steps=300),
        (
            Contestant(OURS, "purenn", "host_time"),
            Contestant("purenn, raw key", "purenn", "host_time_raw_key"),
            Contestant("Flax Linen", "flax_linen", "host_time"),
            Contestant("Flax Linen, with a key", "flax_linen", "host_time_with_key"),
            Contestant("Flax NNX", "flax_nnx", "host_time"),
            Contestant("Flax NNX, functional", "flax_nnx", "host_time_functional"),
            Contestant("Equinox", "equinox", "host_time"),
        ),
        (
            Goal(
                f"host overhead per step, {leaves} leaves, relative to Flax and Equinox",
                ("Flax Linen", "Flax NNX", "Flax NNX, functional", "Equinox"),
                1.05,
                1.0,
                share=True,
            ),
        ),
    )


LAYER_PEERS = {"Flax Linen": "flax_linen", "Equinox": "equinox"}


def convolution(name: str, title: str) -> Row:
    """Steps of gradient descent with one layer, in the usual loop and in a scan."""
    loops = {"": "layer_usual", ", scan": "layer_scan"}
    modules = {OURS: "purenn", **LAYER_PEERS}
    return Row(
        name,
        f"{title}: forward, derivatives and a step of gradient descent, 32 images",
        "step",
        Task(batch=32, steps=2, convolution=name),  # a scan of theirs takes up to 9 s a step
        tuple(
            Contestant(f"{who}{loop}", module, function)
            for loop, function in loops.items()
            for who, module in modules.items()
        ),
        tuple(
            Goal(
                f"{name} convolution{' in a scan' * bool(loop)}, against Flax and Equinox",
                tuple(f"{who}{loop}" for who in LAYER_PEERS),
                1,
                3,
                ours=f"{OURS}{loop}",
            )
            for loop in loops
        ),
    )


PEAK = Row(
    "peak",
    "A large float32 product, 3072 × 3072",
    "product",
    Task(batch=3072),
    (
        Contestant("JAX", "jax_itself", "large_product"),
        Contestant("NumPy", "texts", "large_product"),
    ),
)

ROWS = (
    Row(
        "cnn_step",
        "MNIST CNN: 3×3 convolutions of 32 and 64, max pools, dense 128; batch 128, Adam",
        "step",
        Task(cnn=True, examples=40 * 128, steps=40),
        (
            FIT._replace(steps=EPOCHS * 40),
            *peers(scan_steps=7),
        ),  # a scan of theirs takes nearly a second a step
        (
            Goal("CNN step, against the fastest JAX peer in its usual loop", USUAL, 3, 4),
            Goal("CNN step, against the fastest JAX peer inside scan", SCANS, 15, 25),
            Goal(
                "CNN step, against PyTorch, compiled or eager",
                PYTORCH,
                1.4,
                2,
                avx2=(1.2, 1.5),
            ),
        ),
        trains=True,
    ),
    Row(
        "cnn_to_99",
        "MNIST CNN of cnn_step, from scratch until 99% of the test set is right, looked at after "
        "each epoch",
        "run",
        Task(cnn=True),
        (
            Contestant(OURS, "purenn", "to_accuracy"),
            Contestant("PyTorch eager", "pytorch", "to_accuracy"),
        ),
        (Goal("CNN trained to 99%, against PyTorch", ("PyTorch eager",), 1, 1.2),),
        rounds=3,
    ),
    dense(
        "dense_128",
        "784-128-10, batch 128, Adam, an epoch with shuffle",
        Task(),
        (
            Goal("784-128-10, against the fastest peer of all", PEERS, 1.2, 1.5, avx2=(1.35, 1.5)),
            Goal(
                "784-128-10, relative to its matrix products alone", (PRODUCTS,), 1.25, None, True
            ),
        ),
    ),
    dense(
        "tiny_16_16",
        "784-16-16-10, batch 32, Adam, an epoch with shuffle",
        TINY,
        (Goal("784-16-16-10, against the fastest peer of all", PEERS, 1.5, 2.5, avx2=(1.8, 2.5)),),
    ),
    Row(
        "many_32",
        "32 networks 784-16-16-10, an epoch each; peers: 32 times their epoch",
        "32 epochs",
        TINY._replace(networks=32),
        (
            Contestant(OURS, "purenn", "many"),
            Contestant("purenn, one after another", "purenn", "fit", EPOCHS * TINY.steps, times=32),
            *peers(times=32),
            Contestant("NumPy", "texts", "train", times=32),
        ),
        (Goal("32 networks at once, against 32 runs of the fastest peer", PEERS, 3, 5),),
        trains=True,
    ),
    Row(
        "max_pool_backward",
        "2×2 max pool of (128, 28, 28, 32), backward",
        "call",
        Task(),
        (
            Contestant(OURS, "purenn", "max_pool_backward"),
            Contestant("JAX", "jax_itself", "max_pool_backward"),
            Contestant("purenn, with forward", "purenn", "max_pool_both"),
            Contestant("JAX, with forward", "jax_itself", "max_pool_both"),
        ),
        (Goal("max_pool backward, against JAX's", ("JAX",), 5, 9),),
    ),
    convolution("depthwise", "3×3 depthwise convolution of 28×28, 64 channels"),
    convolution("grouped", "3×3 convolution of 28×28, 64 to 64 channels in 4 groups"),
    convolution("transposed", "3×3 transposed convolution, 14×14 to 28×28, 64 to 32 channels"),
    Row(
        "shuffle",
        "A permutation of 60,000 indices",
        "call",
        Task(),
        (Contestant(OURS, "purenn", "shuffle"), Contestant("JAX", "jax_itself", "shuffle")),
        (Goal("shuffling 60,000 indices, against jax.random.permutation", ("JAX",), 50, 150),),
    ),
    Row(
        "memory",
        "Eight blocks of dense 512, batch norm, gelu, dropout, and dense 10; batch 4096, Adam",
        "step",
        Task(batch=4096, steps=1),
        (
            Contestant(OURS, "purenn", "blocks"),
            Contestant("purenn, recomputed", "purenn", "recomputed_blocks"),
            Contestant("Flax Linen", "flax_linen", "blocks"),
        ),
        tuple(
            Goal(
                f"eight blocks{how}, {what} relative to Flax's",
                ("Flax Linen",),
                *marks,
                True,
                of,
                ours,
            )
            for how, ours in (("", OURS), (" recomputed", "purenn, recomputed"))
            for what, of, marks in (
                ("temporary memory", "temporaries", (0.7, 0.4)),
                ("time", "seconds", (1.1, None)),
            )
        ),
    ),
    *sequences.ROWS,
    *recurrent.ROWS,
    host_time(4, (8,)),
    host_time(200, (8,) * 99),
    Row(
        "cold_start",
        "A fresh process: import, compile, one epoch of 784-128-10, mean loss printed",
        "process",
        Task(),
        (
            Contestant(OURS, "cold_start", "purenn"),
            Contestant("Flax Linen", "cold_start", "flax"),
        ),
        (
            Goal(
                "first result from a cold start, relative to Flax's",
                ("Flax Linen",),
                0.9,
                0.7,
                True,
            ),
        ),
    ),
)


def quick(row: Row) -> Row:
    """The same at a size at which it only shows that it runs."""
    if row is PEAK:  # the report needs it as it is
        return row
    task = row.task
    steps, batch, hidden = min(task.steps, 3), min(task.batch, 64), task.hidden[:3]
    task = task._replace(
        steps=steps,
        batch=batch,
        hidden=hidden,
        examples=steps * batch,
        networks=min(task.networks, 2),
        length=min(task.length, 32),
        accuracy=0.0,
    )
    contestants = tuple(c._replace(steps=c.steps and 2) for c in row.contestants)
    return row._replace(task=task, contestants=contestants)
