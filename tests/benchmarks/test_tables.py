"""The functions behind the tables give known numbers on tiny sizes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import (
    brats,
    bundle,
    comparison,
    compiled,
    drift,
    fit,
    gpu,
    hippocampus,
    kernels,
    paper,
    peers,
    restoration,
    speed,
    timing,
)
from benchmarks.architectures import checkpointed, contenders
from benchmarks.tables import GIB, gib, header, markdown, mib
from iunet_med.memory import count_step_memory


def test_markdown_and_units() -> None:
    assert markdown(("a", "b"), [("x", 1)]) == "| a | b |\n| --- | ---: |\n| x | 1 |"
    assert (mib(3 * 2**30), gib(2**29)) == ("3,072", "0.50")
    assert "- command: `make`\n" in header("make")


def test_the_paper_s_network_reaches_its_limits() -> None:
    (row,) = paper.rows([5])
    figures = dict(enumerate(row))
    assert int(figures[1]) <= figures[2] == 640
    assert float(figures[4]) <= 5.2


def test_restorations_are_gathered_by_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoration, "SIZE", 16)
    runs = [(name, psnr) for name in ("IUNet", "residual UNet of MONAI") for psnr in (12.0, 13.0)]
    results = [restoration.Result(restoration.Run(name, 0, 1), psnr, 0.5, torch.zeros(1)) for name, psnr in runs]
    ours, other = restoration.rows(results)
    assert ours[3:] == other[3:] == ("12.50 ± 0.71", "0.500 ± 0.000")
    assert float(ours[2]) > 0


def test_a_state_counts_once_in_depth() -> None:
    shallow, deep = paper.rows([1, 3], channels=(8, 16), size=(32, 32))
    # Of the loss that needs nothing itself, up to the few bytes that note where random numbers were drawn.
    assert float(shallow[7]) == pytest.approx(float(deep[7]), rel=0.02)


def test_whole_brains_in_the_order_of_their_memory() -> None:
    networks = {name: contenders()[name] for name in ("IUNet-16, reversible", "SegResNet-16")}
    ours, other = brats.rows(networks, (1, 4, 64, 64, 64))
    assert float(ours[1]) < float(other[1])


@pytest.mark.parametrize("budget", [9, 35, 36, 99, 10**6])
def test_the_largest_that_fits(budget: int) -> None:
    found = fit.largest(lambda n: n * n, budget, 3)
    assert found % 3 == 0
    assert found**2 <= budget < (found + 3) ** 2


def test_cubes_and_channels_grow_with_the_card() -> None:
    def build(channels: int) -> nn.Module:
        return nn.Conv3d(4, channels, 3)

    ((_, small, large),) = fit.cubes({"tiny": lambda: build(8)}, [GIB // 256, GIB // 64])
    assert 0 < small < large
    ((_, few, many),) = fit.channels({"tiny": build}, [GIB // 64, GIB // 16], (16, 16, 16))
    assert 0 < few < many


def test_checkpointing_changes_memory_and_no_gradient() -> None:
    def build() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(*(nn.Sequential(nn.Conv1d(2, 2, 1), nn.Tanh(), nn.Tanh(), nn.Tanh()) for _ in range(4)))

    image = torch.randn(1, 2, 64)
    plain, wrapped = build(), build()
    checkpointed_network = checkpointed(lambda: wrapped, nn.Sequential)
    memory = [count_step_memory(network, image).peak for network in (plain, checkpointed_network)]
    assert memory[1] < memory[0]
    torch.testing.assert_close([p.grad for p in plain.parameters()], [p.grad for p in wrapped.parameters()])


def test_steps_run_in_turns() -> None:
    calls: list[str] = []
    times = timing.in_turns({name: lambda name=name: calls.append(name) for name in "ab"}, 2)
    assert "".join(calls) == "ab" + "ab" + "ba"
    assert [len(times[name]) for name in "ab"] == [2, 2]
    assert timing.ratio([2.0, 4.0], [1.0, 2.0]) == "2.00 (2.00 to 2.00)"
    assert timing.seconds([1.0, 2.0, 3.0]) == "2 (1.5 to 2.5)"


def test_times_of_the_modes() -> None:
    rows = list(speed.rows(speed.Setting("tiny", (4, 8), 1, (8, 8), 2)))
    assert [row[1] for row in rows] == ["stored", "reversible", "first level reversible", speed.FLOOR]
    assert rows[0][3] == "1.00 (1.00 to 1.00)"


def test_absent_peers_and_gpu_are_said_to_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    assert peers.table(Path("nowhere/python")).startswith("Open: nowhere/python is absent")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert hippocampus.table(None).startswith("Open: give the folder of Task04_Hippocampus")
    assert gpu.table() == kernels.table() == "Open: no GPU here."


def test_the_modes_of_training_give_one_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "TYPES", {"float32": None})
    monkeypatch.setattr(compiled, "GRAPHS", {"eager": False})
    stored, exact, fixed16 = compiled.rows(4, (17, 17, 17), 2)
    assert stored[:6] == ("float32", "eager", "stored", stored[3], "1.00 (1.00 to 1.00)", stored[5])
    assert float(stored[6]) == 0
    assert float(exact[6]) < 1e-5 < float(fixed16[6]) < 3e-2
    assert stored[7:] == exact[7:] == fixed16[7:] == (0, 0)


def test_drift_grows_with_depth_and_stays_near_rounding() -> None:
    shallow, deep = (drift.errors((4, 8), (8, 8), depth, 0, None, bit_exact=True) for depth in (4, 40))
    assert max(shallow) < 2e-6
    assert shallow[0] < deep[0] < 1e-4
    with pytest.raises(ValueError, match="depth 5: expected a multiple of 4"):
        drift.errors((4, 8), (8, 8), 5, 0, None, bit_exact=True)


def test_bit_exact_networks_do_not_drift_under_autocast() -> None:
    drifting, exact = (
        drift.errors((8, 16), (16, 16), 48, 0, torch.bfloat16, bit_exact=value) for value in (False, True)
    )
    assert drifting[0] > 1e-2
    assert drifting[3] > 1e-2
    assert exact[0] == 0
    assert exact[3] < 1e-5


def test_memory_of_the_bundle_grows_with_its_channels() -> None:
    memory = {row[0]: float(str(row[1])) for row in bundle.rows(((96, 96, 96),))}
    assert memory["iunet16.json"] < memory["iunet32.json"] < memory["iunet64.json"]
    assert memory["default"] <= memory["iunet16.json"]


def test_comparison_tells_mean_and_spread_of_the_seeds() -> None:
    runs = [comparison.Run("IUNet", 16, seed, 0.01, 1.0) for seed in range(3)]
    dice = [{"ET": 0.5, "TC": 0.7, "WT": 0.9}, {"ET": 0.6, "TC": 0.7, "WT": 0.8}, {"ET": 0.7, "TC": 0.7, "WT": 0.7}]
    results = [comparison.Result(run, scores, 10 + run.seed) for run, scores in zip(runs, dice, strict=True)]
    ((name, crop, _, rate, steps, *scores),) = comparison.rows(results)
    assert (name, crop, rate, steps) == ("IUNet", "16³", 0.01, 11)
    assert scores == ["0.600 ± 0.100", "0.700 ± 0.000", "0.800 ± 0.100", "0.700 ± 0.000"]


def test_crops_hold_the_tumour_every_other_time(monkeypatch: pytest.MonkeyPatch) -> None:
    label = np.zeros((20, 24, 18), np.uint8)
    label[2:4, 2:4, 2:4] = 3
    monkeypatch.setattr(comparison, "patients", {0: (torch.ones(4, *label.shape), label)})
    rng = np.random.default_rng(0)
    held = [comparison.random_crop(rng, [0], 8)[1].any() for _ in range(200)]
    assert 0.42 < np.mean(held) < 0.62


def test_every_contender_segments_a_cube() -> None:
    for build in comparison.NETWORKS.values():
        with torch.no_grad():
            assert build().eval()(torch.zeros(1, 4, 16, 16, 16)).shape == (1, 3, 16, 16, 16)
