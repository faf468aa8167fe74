import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from iunet_med.nn import OrthogonalDownsampling

EXAMPLE = runpy.run_path(str(Path(__file__).parents[3] / "docs/examples/learned_downsampling.py"))


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    """Stripes oblique to the axes, for which Haar's filters are not the best."""
    rows, columns = np.indices((16, 16))
    return torch.from_numpy(np.sin(rows + columns).astype(np.float32))[None, None]


@pytest.mark.parametrize("start", ["haar", "random"])
def test_learned_norm_is_below_haar_s_and_the_map_inverts(image: torch.Tensor, start: str) -> None:
    torch.manual_seed(0)
    haar = OrthogonalDownsampling(1, (2, 2))(image).abs().mean()
    learned = EXAMPLE["learn"](image, OrthogonalDownsampling(1, (2, 2), orthogonal="exp", init=start), steps=100)
    with torch.no_grad():
        assert learned(image).abs().mean() < 0.95 * haar
        torch.testing.assert_close(learned.inverse(learned(image)), image, rtol=0, atol=1e-5)


def test_channels_are_sorted_and_keep_the_energy(image: torch.Tensor) -> None:
    channels = EXAMPLE["coefficients"](OrthogonalDownsampling(1, (2, 2)).eval(), image)
    norms = channels.flatten(1).norm(dim=1)
    assert torch.equal(norms, norms.sort(descending=True).values)
    torch.testing.assert_close(norms.norm(), image.norm())


def test_picture_shows_every_result(image: torch.Tensor) -> None:
    channels = EXAMPLE["coefficients"](OrthogonalDownsampling(1, (4, 4)).eval(), image)
    figure = EXAMPLE["draw"](image, {"Haar": channels, "learned": channels})
    FigureCanvasAgg(figure).draw()
    assert [panel.get_title().split(":")[0] for panel in figure.axes] == ["image", "Haar", "learned"]
    assert figure.axes[1].images[0].get_array().shape == (16, 16, 4)


def test_head_slice_fills_the_range_and_is_cut_by_all_strides() -> None:
    head = EXAMPLE["head_slice"]()
    assert head.shape == (1, 1, 232, 192)
    assert head.max() == 1
    assert head.min() == 0
