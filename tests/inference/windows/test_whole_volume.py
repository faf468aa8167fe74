"""The memory of a run in one piece is predicted from a corner, and a volume that does not fit is refused."""

import pytest
import torch

from iunet_med import IUNet
from iunet_med.inference.windows import whole_volume
from iunet_med.inference.windows.whole_volume import predict_bytes, reason_against_one_piece
from iunet_med.memory import LiveBytes

CPU = torch.device("cpu")


def test_the_prediction_is_the_count_with_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_volume, "PIECE", 16)
    network, image = IUNet(3, 1, 2, (4, 8)).eval(), torch.zeros(1, 1, 32, 48, 32)
    predicted = predict_bytes(network, image, device=CPU) / whole_volume.ROOM
    with torch.no_grad(), LiveBytes() as live:
        network(image)
    assert predicted == pytest.approx(live.peak + image.nbytes, rel=0.1)


def test_only_what_does_not_fit_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    network, image = IUNet(3, 1, 2, (4, 8)).eval(), torch.zeros(1, 1, 16, 16, 16)
    assert reason_against_one_piece(network, image, device=CPU) == ""
    monkeypatch.setattr(whole_volume, "available_bytes", lambda: 1000)
    assert "GiB of memory, and 0.0 GiB are free" in reason_against_one_piece(network, image, device=CPU)


def test_a_quarter_is_left_for_workspaces(monkeypatch: pytest.MonkeyPatch) -> None:
    network, image = IUNet(3, 1, 2, (4, 8)).eval(), torch.zeros(1, 1, 16, 16, 16)
    with torch.no_grad(), LiveBytes() as live:
        network(image)
    counted = live.peak + image.nbytes
    for free, fits in ((1.2 * counted, False), (1.3 * counted, True)):
        monkeypatch.setattr(whole_volume, "available_bytes", lambda free=free: free)
        assert (reason_against_one_piece(network, image, device=CPU) == "") == fits
