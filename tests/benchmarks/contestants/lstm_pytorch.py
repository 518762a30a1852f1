"""An LSTM in PyTorch: `nn.LSTM`, in the loop of its quick start. Adam is the fused one."""

from typing import Any

import torch
from data import sequences
from loops import Work
from tasks import LEARNING_RATE, Done, Task
from torch import nn
from torch.nn import functional


class Network(nn.Module):
    """The LSTM, and a dense layer at each step."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        (units,) = task.hidden
        self.lstm = nn.LSTM(task.inputs, units, batch_first=True)
        self.head = nn.Linear(units, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.head(self.lstm(x)[0])


def _train(task: Task, compiled: bool) -> Work:
    x, y = map(torch.from_numpy, sequences(task))
    y = y.long()
    torch.manual_seed(0)
    model, start = Network(task), 0
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)

    def forward(x: Any, y: Any) -> Any:
        return functional.cross_entropy(model(x).view(-1, 10), y.view(-1))

    if compiled:
        forward = torch.compile(forward)

    def work() -> Done:
        nonlocal start
        losses = []
        for rows in torch.randperm(len(x))[: task.steps * task.batch].split(task.batch):
            loss = forward(x[rows], y[rows])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.detach())
        start += task.steps
        return Done(torch.stack(losses).numpy(), start - task.steps, task.steps)

    return work


def eager(task: Task) -> Work:
    """Its documented loop."""
    return _train(task, compiled=False)


def compiled(task: Task) -> Work:
    """The same with model and loss through `torch.compile`."""
    return _train(task, compiled=True)
