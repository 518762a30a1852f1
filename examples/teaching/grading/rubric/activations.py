"""`activations`: the derivatives of sigmoid, tanh and ReLU."""

import purenn as pn
from grading.part import Part, derivatives, generator, sizes


def data(seed):
    rng = generator("activations", seed)
    z = rng.normal(size=sizes(rng, 2))
    z[0, 0] = 0.0  # ReLU's corner: any value between the one-sided derivatives is right there
    return z


def of_the_output(op):
    def mark(student, seed):
        def forward(z):
            a = op(z)
            return a, a  # what backward gets beside da

        return derivatives(("dz",), forward, student, data(seed))

    return mark


def relu(student, seed):
    return derivatives(("dz",), lambda z: pn.relu(z), student, data(seed))


PARTS = (
    Part("sigmoid_backward", ("dz",), of_the_output(pn.sigmoid)),
    Part("tanh_backward", ("dz",), of_the_output(pn.tanh)),
    Part("relu_backward", ("dz",), relu),
)
