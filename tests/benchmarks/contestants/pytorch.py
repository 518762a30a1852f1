"""PyTorch: the loop of its quick start, eager and with `torch.compile`.

The data loader of the quick start collates example by example in Python; here a permutation of
tensors is indexed, which is many times faster. Adam is the fused one.
"""

from typing import Any

import torch
from data import images
from loops import Work
from tasks import LEARNING_RATE, Done, Task
from torch import nn


def network(task: Task) -> nn.Sequential:
    """Convolutions take channels first."""
    layers: list[nn.Module] = []
    if task.cnn:
        for inputs, outputs in ((1, 32), (32, 64)):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        layers.append(nn.Flatten())
    inputs = 7 * 7 * 64 if task.cnn else task.inputs
    for units in task.hidden:
        layers += [nn.Linear(inputs, units), nn.ReLU()]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, 10))


def _train(task: Task, compiled: bool) -> Work:
    torch.manual_seed(0)
    pixels, labels = images(task)
    x = torch.from_numpy(pixels).reshape(-1, 1, 28, 28) if task.cnn else torch.from_numpy(pixels)
    y = torch.from_numpy(labels).long()
    model, loss_fn = network(task), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
    start = 0

    def forward(x: Any, y: Any) -> Any:
        return loss_fn(model(x.float() / 255), y)

    if compiled:
        forward = torch.compile(forward)

    def work() -> Done:
        nonlocal start
        order, losses = torch.randperm(len(x)), []
        for rows in order[: task.steps * task.batch].split(task.batch):
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
