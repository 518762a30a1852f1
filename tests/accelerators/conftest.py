"""A TPU that is not there: first of all JAX is told to look for none."""

import pytest
from targets import devices_of


@pytest.fixture(scope="session")
def tpus():
    """The four chips of a TPU v5e."""
    return devices_of("v5e:2x2")


@pytest.fixture(scope="session")
def tpu(tpus):
    return tpus[0]
