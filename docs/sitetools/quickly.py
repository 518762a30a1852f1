"""XLA's flags for programs that run once.

Most of the time of the site is XLA's, which compiles some thousand small programs: with less
optimizing the pages take a quarter less.
"""

import os

import jax

FLAGS = ["--xla_backend_optimization_level=1", "--xla_llvm_disable_expensive_passes=true"]
if jax.__version_info__ < (0, 11):  # later ones do not know it, and an unknown flag is fatal
    FLAGS.append("--xla_cpu_use_fusion_emitters=false")


def xla_flags() -> str:
    """What `XLA_FLAGS` should be: these, and what is there already."""
    return " ".join([*FLAGS, os.environ.get("XLA_FLAGS", "")]).strip()
