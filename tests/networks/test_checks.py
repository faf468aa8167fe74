import pytest
import torch

from iunet_med import InvertibleUNet, IUNet

NETWORKS = [IUNet(2, 4, 1, (4, 8)), InvertibleUNet(2, (4, 8))]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: type(network).__name__)
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(1, 3, 8, 8), r"Expected a tensor \(batch, 4 channels, 2 spatial axes\), got shape \(1, 3, 8, 8\)"),
        (torch.zeros(1, 4, 8), r"Expected a tensor \(batch, 4 channels, 2 spatial axes\), got shape \(1, 4, 8\)"),
        (torch.zeros(1, 4, 8, 8, dtype=torch.int64), "Expected a floating-point tensor, got torch.int64"),
        (torch.zeros(1, 4, 8, 8, device="meta"), "Expected a tensor on cpu, .* got one on meta; move"),
        (torch.zeros(0, 4, 8, 8), "got a batch of 0"),
    ],
)
def test_inputs_that_cannot_work_are_refused(network, x: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network(x)


@pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: type(network).__name__)
def test_values_that_are_not_finite_are_reported_when_anomalies_are_looked_for(network) -> None:
    x = torch.zeros(1, 4, 8, 8)
    x[0, 0, 0, :3] = torch.tensor([torch.nan, torch.inf, -torch.inf])
    with torch.autograd.set_detect_anomaly(True), pytest.raises(ValueError, match="got 3 of 256 that are not"):
        network(x)
    network(x)
