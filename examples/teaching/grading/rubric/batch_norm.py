"""`batch_norm`: its backward pass in training and in evaluation."""

import purenn as pn
from grading.part import Part, derivatives, generator, sizes
from purenn.layers.batch_norm import BatchNormParams, BatchNormState

NAMES = ("dx", "dgamma", "dbeta")


def data(seed):
    rng = generator("batch_norm", seed)
    m, n = sizes(rng, 2)
    x, gamma, beta = rng.normal(size=(m, n)), rng.normal(size=n), rng.normal(size=n)
    return (x, gamma, beta), BatchNormState(rng.normal(size=n), 1 + rng.uniform(size=n))


def layer(seed, train):
    _, state = data(seed)

    def forward(x, gamma, beta):
        params = BatchNormParams(gamma, beta)
        return pn.batch_norm(epsilon=1e-5).forward(params, state, x, train=train)[0]

    return forward


def backward(student, seed):
    return derivatives(NAMES, layer(seed, True), student, *data(seed)[0])


def evaluation_backward(student, seed):
    arguments, (mean, var) = data(seed)

    def with_statistics(x, gamma, beta, dy):
        return student(x, gamma, beta, mean.copy(), var.copy(), dy)

    return derivatives(NAMES, layer(seed, False), with_statistics, *arguments)


PARTS = (
    Part("backward", NAMES, backward),
    Part("evaluation_backward", NAMES, evaluation_backward),
)
