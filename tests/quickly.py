"""XLA's flags for programs that run once, in the tests and on the pages of the site.

Most of the time of both is XLA's, which compiles some thousand small programs: with less optimizing
it takes a quarter less.
"""

import os
from importlib.metadata import version

FLAGS = [
    "--xla_backend_optimization_level=0",
    "--xla_llvm_disable_expensive_passes=true",
    "--xla_cpu_parallel_codegen_split_count=1",  # small programs, compiled in one piece
]
if tuple(map(int, version("jaxlib").split(".")[:2])) < (0, 11):
    FLAGS.append("--xla_cpu_use_fusion_emitters=false")  # later ones end at a flag they do not know


def compile_quickly() -> None:
    """Put the flags before those in `XLA_FLAGS`. It must be called before JAX is imported."""
    given = os.environ.get("XLA_FLAGS", "").split()
    os.environ["XLA_FLAGS"] = " ".join([*(flag for flag in FLAGS if flag not in given), *given])
    os.environ.setdefault("JAX_TRACEBACK_IN_LOCATIONS_LIMIT", "0")  # of each operation
