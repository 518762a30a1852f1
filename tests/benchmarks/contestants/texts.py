"""A NumPy transcription of the texts' network: columns are examples, Z = W A + b."""

import time

import numpy as np
from data import batches_of, images
from loops import Work
from tasks import LEARNING_RATE, Done, Task


class Network:
    """Weights `W: (units, inputs)`, biases `b: (units, 1)`, and Adam's two moments of each."""

    def __init__(self, task: Task) -> None:
        rng = np.random.default_rng(0)
        self.parameters = []
        for _, inputs, units in task.products:
            w = rng.normal(scale=np.sqrt(2 / inputs), size=(units, inputs))
            self.parameters += [w.astype(np.float32), np.zeros((units, 1), np.float32)]
        self.m = [np.zeros_like(p) for p in self.parameters]
        self.v = [np.zeros_like(p) for p in self.parameters]
        self.t = 0

    def step(self, x: np.ndarray, labels: np.ndarray) -> np.float32:
        """Forward, softmax and cross-entropy, backward, Adam."""
        weights, biases = self.parameters[::2], self.parameters[1::2]
        a, inputs = x.T, []
        for w, b in zip(weights, biases, strict=True):
            inputs.append(a)
            z = w @ a + b
            a = np.maximum(z, 0)  # the last one is not used

        columns = np.arange(len(labels))
        e = np.exp(z - z.max(axis=0))
        p = e / e.sum(axis=0)
        loss = -np.log(p[labels, columns]).mean()

        dz = p
        dz[labels, columns] -= 1
        dz /= np.float32(len(labels))
        gradients = []
        for layer in reversed(range(len(weights))):
            gradients = [dz @ inputs[layer].T, dz.sum(axis=1, keepdims=True), *gradients]
            if layer:
                dz = (weights[layer].T @ dz) * (inputs[layer] > 0)
        self.adam(gradients)
        return loss

    def adam(self, gradients: list[np.ndarray], beta1: float = 0.9, beta2: float = 0.999) -> None:
        """In place, as a text that cares for speed has it."""
        self.t += 1
        rate = LEARNING_RATE / (1 - beta1**self.t)
        for p, g, m, v in zip(self.parameters, gradients, self.m, self.v, strict=True):
            m *= beta1
            m += (1 - beta1) * g
            v *= beta2
            v += (1 - beta2) * g**2
            p -= rate * m / (np.sqrt(v / (1 - beta2**self.t)) + 1e-8)


def train(task: Task) -> Work:
    """Epochs over images that were scaled before."""
    x, y = images(task)
    x = x.astype(np.float32) / 255
    network, rng = Network(task), np.random.default_rng(0)

    def work() -> Done:
        start = network.t
        order = batches_of(rng.permutation(len(x)), task)
        return Done([network.step(x[rows], y[rows]) for rows in order], start, task.steps)

    return work


def large_product(task: Task) -> Work:
    """A product of two large square matrices: the peak that the others are measured by."""
    a = np.random.default_rng(0).normal(size=(task.batch, task.batch)).astype(np.float32)

    def work() -> Done:
        started = time.perf_counter()
        a @ a
        return Done(seconds=time.perf_counter() - started)

    return work
