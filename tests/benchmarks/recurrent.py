"""The row about a recurrent layer."""

from row import EPOCHS, OURS, PYTORCH, Contestant, Goal, Row, peers, scans
from tasks import Task

FUNCTIONS = {"Flax Linen": ("lstm_flax_linen", "usual"), "Flax NNX": ("lstm_flax_nnx", "usual")}
FLAX = (*FUNCTIONS, *scans(FUNCTIONS))
STEPS = 10

ROWS = (
    Row(
        "lstm_step",
        "LSTM of 128 units, 128 features, length 100, dense 10 at each step; batch 64, Adam",
        "step",
        Task(
            lstm=True, hidden=(128,), inputs=128, length=100, batch=64,
            steps=STEPS, examples=STEPS * 64,
        ),
        (
            Contestant(OURS, "lstm_purenn", "fit", EPOCHS * STEPS),
            *peers(functions=FUNCTIONS, pytorch="lstm_pytorch"),
        ),
        (
            Goal("LSTM step, against Flax, usual loop or scan", FLAX, 1, 1.5),
            Goal("LSTM step, against PyTorch, compiled or eager", PYTORCH, 1, 1.5),
        ),
        trains=True,
    ),
)  # fmt: skip
