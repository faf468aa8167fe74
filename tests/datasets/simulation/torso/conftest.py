"""An empty canvas to paint on."""

from collections.abc import Callable

import numpy as np
import pytest

from iunet_med.datasets.simulation.torso.canvas import Canvas


@pytest.fixture
def blank() -> Callable[..., Canvas]:
    """Make a cube of air around the body's zero, on axes that may be turned."""
    return make_blank


def make_blank(n: int = 48, spacing_mm: float = 1.0, turned: np.ndarray | None = None) -> Canvas:
    to_body = np.eye(4)
    to_body[:3, :3] = spacing_mm * (np.eye(3) if turned is None else turned)
    to_body[:3, 3] = -to_body[:3, :3] @ np.full(3, (n - 1) / 2)
    index = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"))
    place = np.tensordot(to_body[:3, :3], index, 1) + to_body[:3, 3].reshape(3, 1, 1, 1)
    hu, label = np.full((n, n, n), -1000, np.float32), np.zeros((n, n, n), np.uint8)
    return Canvas(hu, label, place.astype(np.float32), np.linalg.inv(to_body), 0.0, spacing_mm)
