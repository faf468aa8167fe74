"""One small simulated case that several tests look at."""

import pytest

from iunet_med.datasets.simulation import SimulatedCase, simulate_case


@pytest.fixture(scope="package")
def case() -> SimulatedCase:
    return simulate_case(3, spacing_mm=4.0)
