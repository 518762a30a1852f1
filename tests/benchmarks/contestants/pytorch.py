"""PyTorch: the loop of its quick start, eager and with `torch.compile`.

The data loader of the quick start collates example by example in Python; here a permutation of
tensors is indexed, which is many times faster. Adam is the fused one.
"""

from typing import Any

import loops
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


def _tensors(task: Task, part: str = "train") -> tuple[torch.Tensor, torch.Tensor]:
    pixels, labels = images(task, part)
    x = torch.from_numpy(pixels).reshape(-1, 1, 28, 28) if task.cnn else torch.from_numpy(pixels)
    return x, torch.from_numpy(labels).long()


def _model_and_optimizer(task: Task, seed: int) -> tuple[nn.Sequential, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    model = network(task)
    return model, torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)


def _epoch(forward: Any, optimizer: Any, x: Any, y: Any, task: Task) -> list[torch.Tensor]:
    order, losses = torch.randperm(len(x)), []
    for rows in order[: task.steps * task.batch].split(task.batch):
        loss = forward(x[rows], y[rows])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.detach())
    return losses


def _train(task: Task, compiled: bool) -> Work:
    x, y = _tensors(task)
    model, optimizer = _model_and_optimizer(task, seed=0)
    loss_fn, start = nn.CrossEntropyLoss(), 0

    def forward(x: Any, y: Any) -> Any:
        return loss_fn(model(x.float() / 255), y)

    if compiled:
        forward = torch.compile(forward)

    def work() -> Done:
        nonlocal start
        losses = _epoch(forward, optimizer, x, y, task)
        start += task.steps
        return Done(torch.stack(losses).numpy(), start - task.steps, task.steps)

    return work


def eager(task: Task) -> Work:
    """Its documented loop."""
    return _train(task, compiled=False)


def compiled(task: Task) -> Work:
    """The same with model and loss through `torch.compile`."""
    return _train(task, compiled=True)


def to_accuracy(task: Task) -> Work:
    """The eager loop by the epoch, and the test set after each, 1,000 images at a time."""
    x, y = _tensors(task)
    test_x, test_y = _tensors(task, "t10k")
    loss_fn = nn.CrossEntropyLoss()

    def begin(seed: int, task: Task = task) -> Any:
        model, optimizer = _model_and_optimizer(task, seed)

        def forward(x: Any, y: Any) -> Any:
            return loss_fn(model(x.float() / 255), y)

        def epoch() -> float:
            _epoch(forward, optimizer, x, y, task)
            with torch.no_grad():
                right = sum(
                    int((model(x.float() / 255).argmax(1) == y).sum())
                    for x, y in zip(test_x.split(1000), test_y.split(1000), strict=True)
                )
            return right / len(test_y)

        return epoch

    begin(0, task._replace(steps=2))()  # two steps and a look, as purenn has before it is timed
    return loops.to_accuracy(begin, task)
