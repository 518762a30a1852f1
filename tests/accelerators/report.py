"""Print what training steps cost on a TPU or a GPU that is not there, as XLA estimates it.

    pip install 'jax[tpu]'
    python tests/accelerators/report.py v5e:2x2            # a table in Markdown: five minutes
    pip install jax-cuda12-plugin jax-cuda12-pjrt          # Python 3.12 or newer
    python tests/accelerators/report.py h100 cnn norms     # these networks alone

Each network is compiled three ways: by hand, with `jax.grad` of purenn's own `apply`, and with
`jax.grad` of the same network in plain JAX. XLA's estimates come first, then the temporary memory;
a ratio is that of the first way to the second.
"""

import argparse

import jax
from models import MODELS, STEPS, arguments
from programs import Program, compile_for
from targets import devices_of

UNITS = {"tpu": "cycles", "gpu": "µs"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", help="a TPU's topology, such as v5e:2x2, or a GPU, such as h100")
    parser.add_argument("models", nargs="*", default=MODELS, help=f"of {', '.join(MODELS)}")
    options = parser.parse_args()
    if unknown := set(options.models) - set(MODELS):
        parser.error(f"models are {', '.join(MODELS)}; got {', '.join(sorted(unknown))}")
    device = devices_of(options.target)[0]
    print(f"{device.device_kind}, jax {jax.__version__}\n")
    (hand, *others), units = STEPS, (UNITS[device.platform], "kB")
    heads = [head for unit in units for head in (f"{hand}, {unit}", *others, "ratio")]
    print(f"| model | {' | '.join(heads)} |")
    print("|---" * (1 + len(heads)) + "|", flush=True)
    for name in options.models:
        model = MODELS[name]
        given = arguments(model, model.batch)
        programs = [compile_for(device, make(model), *given) for make in STEPS.values()]
        memory = [program.temporaries for program in programs]
        cells = [*map(cost, programs), ratio([program.estimate for program in programs])]
        cells += [*(f"{each / 1e3:,.0f}" for each in memory), ratio(memory)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def ratio(numbers: list[float]) -> str:
    """By hand to `jax.grad` of `apply`."""
    by_hand, by_grad, _ = numbers
    return f"{by_hand / by_grad:.2f}" if by_grad else ""


def cost(program: Program) -> str:
    """The estimate, and the instructions that are not in it."""
    digits = 0 if program.estimate >= 1000 else 1
    rest = [f"{count} {name}" for name, count in program.without_estimate.items()]
    return " + ".join([f"{program.estimate:,.{digits}f}", *rest])


if __name__ == "__main__":
    main()
