"""A reference keeps what is usual, belongs to its weights, and holds no code."""

from pathlib import Path

import numpy as np
import pytest
import torch

from iunet_med.familiarity import Reference, read_reference


def features(count: int) -> torch.Tensor:
    return torch.randn(count, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_a_file_gives_back_the_same_answers(tmp_path: Path) -> None:
    reference = Reference.of(features(30), weights_sha256="abc")
    reference.write(tmp_path / "familiarity.npz")
    found = read_reference(tmp_path / "familiarity.npz", weights_sha256="abc")
    for shift in (0.0, 50.0):
        one, other = (each.familiarity(features(30)[3] + shift) for each in (reference, found))
        assert one.percent == other.percent
        assert one.distance == pytest.approx(other.distance, rel=1e-4)
        assert one.is_low is (shift > 0)


def test_percent_counts_the_training_images_that_are_as_far() -> None:
    reference = Reference.of(features(50), weights_sha256="")
    percents = [reference.familiarity(features(50).mean(0) + shift).percent for shift in (0.0, 1.0, 3.0, 30.0)]
    assert percents[0] > 90
    assert percents == sorted(percents, reverse=True)
    assert percents[-1] == 0


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "familiarity.npz"
    with pytest.raises(FileNotFoundError):
        read_reference(path, weights_sha256="abc")
    Reference.of(features(10), weights_sha256="abc").write(path)
    with pytest.raises(ValueError, match=r"belongs to other weights \(SHA-256 abc, got def\); make it again"):
        read_reference(path, weights_sha256="def")
    np.savez(path, features=np.array([object()]), held_out=np.zeros(1), weights_sha256=np.array("abc"))
    with pytest.raises(ValueError, match="is damaged, or no file of familiarity"):
        read_reference(path, weights_sha256="abc")
    with pytest.raises(ValueError, match="expected at least 10 images to tell what is usual, got 9"):
        Reference.of(features(9), weights_sha256="abc")
