"""A bundle is opened only with this project's configs, or with trust; its weights are data, never code."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from iunet_med.inference.bundle import file_digest, open_bundle
from iunet_med.inference.trust import own_configs

ROOT = Path(__file__).parents[2]
TINY: dict[str, Any] = {"channels": [4, 8], "roi_size": [16, 16, 16], "amp": False}


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    shutil.copytree(tiny_bundle, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_the_list_of_own_configs_is_up_to_date() -> None:
    bundled = [path for name in ("inference", "train") for path in ROOT.glob(f"bundle/*/configs/{name}.json")]
    files = [*bundled, *ROOT.glob("configs/*.json")]
    command = "sha256sum bundle/*/configs/{inference,train}.json configs/*.json > iunet_med/inference/own_configs.txt"
    assert own_configs() == {file_digest(f): f.relative_to(ROOT).as_posix() for f in files}, f"run: {command}"


def test_parts_are_those_of_the_config(tiny_bundle: Path) -> None:
    opened = open_bundle(tiny_bundle, settings={**TINY, "test_time_flips": True}, device="cpu")
    assert opened.values == {"ET": 3, "TC": 1, "WT": 2}
    assert (opened.modality, opened.zero_background, opened.flips) == ("MR", True, (0, 1, 2))
    logits = torch.tensor([[-1.0, -1.0, 1.0, -1.0], [-1.0, 1.0, 1.0, -1.0], [1.0, 1.0, 1.0, -1.0]])[:, :, None, None]
    assert opened.label(opened.probability(logits)).flatten().tolist() == [2, 1, 3, 0]
    torch.testing.assert_close(opened.probability(logits), logits.sigmoid())


def test_a_config_of_others_is_not_run_without_trust(bundle: Path, tmp_path: Path) -> None:
    config = json.loads((bundle / "configs" / "inference.json").read_text())
    config["layout"] = f"$open({str(tmp_path / 'ran')!r}, 'w')"
    (bundle / "configs" / "inference.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"is not a config of this version of iunet-med.* which can run code"):
        open_bundle(bundle, settings=TINY, device="cpu")
    assert not (tmp_path / "ran").exists()
    overlay = tmp_path / "overlay.json"
    overlay.write_text('{"network_def": {"_target_": "os.system", "command": "true"}}')
    with pytest.raises(ValueError, match=r"overlay\.json is not a config .*network_def::_target_ is 'os\.system'"):
        open_bundle(ROOT / "bundle" / "iunet_brats_mri", configs=[overlay], settings=TINY, device="cpu")


def test_trust_runs_it(bundle: Path) -> None:
    path = bundle / "configs" / "inference.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "overlap": 0.25}))
    assert open_bundle(bundle, settings=TINY, device="cpu", trust=True).inferer.overlap == 0.25


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('ran')",))


def test_weights_run_no_code(bundle: Path) -> None:
    (bundle / "models" / "model.pt").write_bytes(pickle.dumps({"lift.weight": Evil()}, protocol=2))
    with pytest.raises(ValueError, match=r"cannot be used.*Weights only load failed"):
        open_bundle(bundle, settings=TINY, device="cpu")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"channels": [8, 16]}, "holds another network's weights"),
        ({"checkpoint": "absent.pt"}, "no checkpoint absent.pt"),
    ],
)
def test_wrong_weights_are_told(tiny_bundle: Path, settings: dict[str, Any], text: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=text):
        open_bundle(tiny_bundle, settings={**TINY, **settings}, device="cpu")


def test_what_is_no_bundle_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected the folder of a MONAI bundle.*which is no bundle"):
        open_bundle(tmp_path)


def test_the_digest_follows_configs_and_settings_but_not_the_device(tiny_bundle: Path) -> None:
    digests = [
        open_bundle(tiny_bundle, settings=settings, device=device).config_sha256
        for settings, device in ((TINY, "cpu"), ({**TINY}, None), ({**TINY, "overlap": 0.25}, "cpu"))
    ]
    assert digests[0] == digests[1] != digests[2]
