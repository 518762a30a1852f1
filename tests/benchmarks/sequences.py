"""The rows about sequences: small GPTs, attention, embeddings."""

from row import EPOCHS, OURS, PYTORCH, Contestant, Goal, Row, peers, scans
from tasks import Task

FUNCTIONS = {  # of each JAX peer's usual loop
    "plain JAX": ("gpt_jax", "usual"),
    "Flax Linen": ("gpt_flax_linen", "usual"),
    "Flax NNX": ("gpt_flax_nnx", "usual"),
    "Flax NNX, functional": ("gpt_flax_nnx", "usual_functional"),
    "Equinox": ("gpt_equinox", "usual"),
}
JAX_PEERS = (*FUNCTIONS, *scans(FUNCTIONS))


def gpt(name: str, title: str, task: Task, goals: tuple[Goal, ...], *more: Contestant) -> Row:
    """Training steps of a small GPT, each on a batch of pieces in a random order."""
    task = task._replace(examples=task.steps * task.batch)
    ours = (("", "fit"), (", training_run", "training_run"))
    contestants = (
        *(Contestant(OURS + how, "gpt_purenn", f, EPOCHS * task.steps) for how, f in ours),
        *peers(functions=FUNCTIONS, pytorch="gpt_pytorch"),
        *more,
    )
    return Row(name, title, "step", task, contestants, goals, trains=True)


def microgpt(batch: int) -> Row:
    """microgpt, beside NumPy too."""
    numpy = Contestant("NumPy", "gpt_numpy", "train")
    against = (*JAX_PEERS, *PYTORCH, numpy.name)
    return gpt(
        f"microgpt_{batch}",
        f"microgpt: names, 1 layer, width 16, 4 heads, length 16; batch {batch}, Adam",
        Task(gpt="microgpt", batch=batch, steps=2500 if batch == 1 else 500),
        (Goal(f"microgpt, batch {batch}, against the fastest peer of all", against, 2, 5),),
        numpy,
    )


def attention(length: int, jax: tuple[float, float], pytorch: bool) -> Row:
    """Causal attention alone, forward and backward."""
    name, title = f"attention_{length}", f"length {length:,}"
    goals = [Goal(f"causal attention, {title}, against jax.nn", ("JAX",), *jax)]
    if length == 4096:
        what = f"causal attention, {title}, temporary memory relative to jax.nn's"
        goals.append(Goal(what, ("JAX",), 0.15, 0.1, share=True, quantity="temporaries"))
    if pytorch:
        what = f"causal attention, {title}, time relative to PyTorch's flash kernel"
        goals.append(Goal(what, ("PyTorch",), 1.5, 1.0, share=True))
    return Row(
        name,
        f"Causal attention, forward and backward, batch 1, 8 heads of 64, {title}",
        "call",
        Task(batch=1, length=length),
        (
            Contestant(OURS, "sequences_purenn", "attention"),
            Contestant("JAX", "sequences_jax", "attention"),
            Contestant("PyTorch", "sequences_pytorch", "attention"),
        ),
        tuple(goals),
    )


ROWS = (
    gpt(
        "gpt_step",
        "nanoGPT on a CPU: 4 layers, width 128, 4 heads, length 64, vocabulary 65; batch 12, AdamW",
        Task(gpt="nanogpt", batch=12, steps=40),
        (
            Goal("GPT step, against the fastest JAX peer, usual loop or scan", JAX_PEERS, 1.3, 1.8),
            Goal("GPT step, against PyTorch, compiled or eager", PYTORCH, 0.9, 1.2),
        ),
    ),
    microgpt(1),
    microgpt(32),
    attention(256, (1.5, 2), pytorch=False),
    attention(1024, (2, 3), pytorch=True),
    attention(4096, (2.5, 4), pytorch=True),
    Row(
        "embedding_backward",
        "Backward of an embedding, 50,257 × 512, 2,048 tokens",
        "call",
        Task(batch=2, length=1024),
        (
            Contestant(OURS, "sequences_purenn", "embedding_backward"),
            Contestant("JAX", "sequences_jax", "embedding_backward"),
        ),
        (Goal("embedding backward, against JAX's", ("JAX",), 1, 2),),
    ),
)
