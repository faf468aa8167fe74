"""Inference repeats what its weights were trained with, and nothing that belongs to other weights."""

import json
import logging
from pathlib import Path

import pytest

from iunet_med.trained_with import keep_settings, trained_with


def test_settings_come_back_for_their_own_weights(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    weights = tmp_path / "model.pt"
    assert trained_with(weights, "spacing", [1, 1, 1]) == [1, 1, 1]
    weights.write_bytes(b"first")
    keep_settings(weights, {"spacing": [2.0, 2.0, 2.0]})
    assert trained_with(weights, "spacing", [1, 1, 1]) == [2.0, 2.0, 2.0]
    assert trained_with(str(weights), "couplings", 2) == 2
    assert json.loads((tmp_path / "model.json").read_text())["spacing"] == [2.0, 2.0, 2.0]
    weights.write_bytes(b"other weights")
    with caplog.at_level(logging.WARNING):
        assert trained_with(weights, "spacing", [1, 1, 1]) == [1, 1, 1]
    assert "belongs to other weights" in caplog.text


@pytest.mark.parametrize("text", ["{", "[]", '{"spacing": 1}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"weights")
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ValueError, match=r"model.json: expected the settings of a training"):
        trained_with(weights, "spacing", 1)
