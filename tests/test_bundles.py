"""Every bundle is complete, every config can be instantiated, and the main job runs end to end from any folder."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from iunet_med.datasets import DatasetError
from iunet_med.datasets.problems import first_cause
from iunet_med.transforms import LabelToRegionsd, own_values

REPOSITORY = Path(__file__).parents[1]
BUNDLES = sorted(path.parent.parent for path in REPOSITORY.glob("bundle/*/configs/metadata.json"))
BRATS = REPOSITORY / "bundle" / "iunet_brats_mri"
REQUIRED = (
    "LICENSE",
    "docs/data_license.txt",
    "configs/metadata.json",
    "configs/train.json",
    "configs/inference.json",
    "configs/evaluate.json",
    "configs/multi_gpu_train.json",
    "configs/multi_gpu_evaluate.json",
    "configs/logging.conf",
    "models/model.pt",
    "models/model.json",
)
SECTIONS = [
    "Overview",
    "Data",
    "System configuration",
    "Training configuration",
    "Memory consumption",
    "Input",
    "Output",
    "Performance",
    "Commands",
    "Limitations",
    "Citation",
    "References",
    "License",
]
TINY = {"channels": [4, 8], "roi_size": [16, 16, 16], "num_workers": 0, "device": "cpu", "amp": False}
OVERLAYS = sorted(REPOSITORY.glob("configs/*.json"))
OF_OTHER_BUNDLES = [path.stem for path in OVERLAYS if path.stem.startswith(("ct_", "paper_ct_", "paper_flow_"))]
OBLIQUE_LAS = np.array([[-0.97, 0.2, 0.3, 40.0], [0.18, 1.15, -0.3, -30.0], [0.1, 0.2, 2.4, 11.0], [0, 0, 0, 1]])


def test_all_bundles_and_configs_are_known() -> None:
    segmenting = ["iunet_brats_mri", "iunet_ct_organs", "iunet_hippocampus_mri"]
    assert [bundle.name for bundle in BUNDLES] == sorted([*segmenting, "iunet_ct_restoration"])
    networks = ["dynunet", "iunet16", "iunet32", "iunet64", "segresnet", "unet"]
    others = [
        "cpu_demo",
        "four_modalities_lesion",
        "low_memory",
        "paper_brats",
        "simulated_weights",
        "simulated_weights_2",
        "simulated_weights_3",
        "whole_volume",
    ]
    others += ["ct_demo", "ct_simulated_weights", *(f"ct_simulated_weights_{n}" for n in (2, 3, 4)), "ct_whole_volume"]
    others += ["paper_flow_cifar10", "paper_flow_brain_slices"]
    others += [f"ct_{memory}gb" for memory in (8, 12, 16, 24)]
    others += [f"paper_ct_scales{s}_channels{c}" for s, c in ((4, 4), (4, 8), (8, 4), (8, 8), (8, 16))]
    assert [path.stem for path in OVERLAYS] == sorted(networks + others)
    assert sum(1 for bundle in BUNDLES for _ in bundle.glob("configs/*.json")) == 6 * 4


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.name)
def test_shipped_weights_are_used_as_they_were_trained(bundle: Path) -> None:
    weights = bundle / "models" / "model.pt"
    kept = json.loads(weights.with_suffix(".json").read_text())
    assert kept.pop("weights_sha256") == hashlib.sha256(weights.read_bytes()).hexdigest()
    asked = json.loads((bundle / "configs" / "inference.json").read_text())
    repeated = {name for name, value in asked.items() if str(value).startswith("$trained_with(")}
    assert set(kept) == repeated


@pytest.mark.parametrize("config", [*OVERLAYS, *REPOSITORY.glob("bundle/*/configs/*.json")], ids=lambda path: path.stem)
def test_configs_are_read_alike_in_every_locale(config: Path) -> None:
    assert config.read_bytes().isascii()  # MONAI opens them in the locale's encoding


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name)
class TestEveryBundle:
    def test_has_its_files(self, bundle: Path) -> None:
        assert [name for name in (*REQUIRED, "docs/README.md") if not (bundle / name).is_file()] == []

    def test_metadata_names_this_version(self, bundle: Path) -> None:
        metadata = json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
        assert metadata["version"] in metadata["changelog"]
        named = metadata["required_packages_version"] | {"monai": metadata["monai_version"]}
        named |= {"torch": metadata["pytorch_version"], "numpy": metadata["numpy_version"]}
        assert named.pop("iunet-med") == version("iunet-med")
        lines = [line.partition(";")[0] for line in (REPOSITORY / "constraints.txt").read_text().splitlines()]
        pins = [tuple(line.split("==")) for line in lines if "==" in line]
        assert named.items() <= dict(reversed(pins)).items(), "the first pin of a package is the newest"

    def test_readme_has_the_sections_of_the_model_zoo(self, bundle: Path) -> None:
        page = (bundle / "docs" / "README.md").read_text(encoding="utf-8")
        assert re.findall("^## (.+)", page, re.MULTILINE) == SECTIONS

    def test_network_maps_what_the_metadata_says(self, bundle: Path) -> None:
        parser = ConfigParser()
        parser.read_config([bundle / "configs" / "train.json"])
        parser.read_meta(bundle / "configs" / "metadata.json")
        formats = parser["_meta_::network_data_format"]
        image, pred = formats["inputs"]["image"], formats["outputs"]["pred"]
        shape = [int(length.removesuffix("*n")) for length in image["spatial_shape"]]
        with torch.no_grad():
            result = parser.get_parsed_content("network_def")(torch.zeros(1, image["num_channels"], *shape))
        assert result.shape == (1, pred["num_channels"], *shape)
        if pred["format"] != "classes":
            return
        layout = parser.get_parsed_content("layout")
        assert list(image["channel_def"].values()) == list(layout.modalities)
        # read as label values by MONAI Label, which leaves out what is called background
        values = {int(value): name for value, name in pred["channel_def"].items()}
        assert values.pop(0) == "background"
        assert values.keys() == set(own_values(layout.regions).values())


@pytest.mark.parametrize("config", ["train", "inference"])
@pytest.mark.parametrize("overlay", [o for o in OVERLAYS if o.stem not in OF_OTHER_BUNDLES], ids=lambda path: path.stem)
def test_every_overlay_fits_over_training_and_inference(
    overlay: Path, config: str, brats_folder: Path, tmp_path: Path, make_lesion_case: Callable[[Path, str], Path]
) -> None:
    if (overlay.stem, config) == ("simulated_weights_2", "inference"):
        pytest.skip("it adds a handler of the trainer, to go on from other weights")
    parser = parse(config, overlay, output_dir=str(tmp_path / "out"), dataset_dir=str(brats_folder), device="cpu")
    if overlay.stem == "four_modalities_lesion":
        for name in ("p1", "p2"):
            make_lesion_case(tmp_path / "data", name)
        parser["dataset_dir"] = str(tmp_path / "data")
    engine = parser.get_parsed_content("train::trainer" if config == "train" else "evaluator")
    layout, size = parser.get_parsed_content("layout"), [2 * length for length in parser.get_parsed_content("reach")]
    with torch.no_grad():
        result = parser.get_parsed_content("network_def").eval()(torch.zeros(1, len(layout.modalities), *size))
    assert result.shape == (1, len(layout.regions), *size)
    assert engine.state.epoch_length > 0


def test_items_without_names_are_segmented_and_scored(brats_folder: Path, tmp_path: Path) -> None:
    folders = [brats_folder / name for name in ("GLI-1-000", "GLI-2-000")]
    items = [
        {
            "image": [str(folder / f"{folder.name}-{ending}.nii.gz") for ending in ("t1n", "t1c", "t2w", "t2f")],
            "label": str(folder / f"{folder.name}-seg.nii.gz"),
        }
        for folder in folders
    ]
    parser = parse("evaluate", output_dir=str(tmp_path), **TINY)
    parser.update({"dataset::data": items, "untrained": True})
    parser.get_parsed_content("evaluator").run()
    assert sorted(path.parent.name for path in tmp_path.rglob("*_seg.nii.gz")) == ["GLI-1-000", "GLI-2-000"]
    rows = (tmp_path / "metrics.csv").read_text().splitlines()[1:]
    assert {row.split(",")[0] for row in rows} == {"GLI-1-000", "GLI-2-000"}


@pytest.mark.parametrize(("network", "reach"), [("UNet", (2, 2, 2)), ("BasicUNet", None)])
def test_a_network_of_monai_takes_the_place_of_ours(network: str, reach: tuple[int, ...] | None) -> None:
    parts = {"spatial_dims": 3, "in_channels": 4, "out_channels": 3}
    levels = {"channels": [4, 8], "strides": [2]} if network == "UNet" else {}
    parser = parse("train", network_def={"_target_": network, **parts, **levels})
    if reach:
        assert parser.get_parsed_content("reach") == reach
        return
    with pytest.raises(RuntimeError) as caught:
        parser.get_parsed_content("reach")
    assert "set the smallest size in voxels per axis, such as --reach" in str(first_cause(caught.value))


@pytest.fixture
def make_lesion_case(brats_case: Callable[..., Path]) -> Callable[[Path, str], Path]:
    """One folder with the file names of the overlay of four modalities and one lesion class."""

    def make(root: Path, name: str) -> Path:
        folder = brats_case(root, name)
        names = {"t1n": "T1", "t1c": "T1POST", "t2w": "T2", "t2f": "FLAIR", "seg": "GOLD_STANDARD"}
        for ending, new in names.items():
            (folder / f"{name}-{ending}.nii.gz").rename(folder / f"{new}.nii.gz")
        label = nib.load(path := folder / "GOLD_STANDARD.nii.gz")
        nib.save(nib.Nifti1Image((np.asarray(label.dataobj) > 0).astype(np.uint8), label.affine), path)
        return folder

    return make


def parse(config: str, *overlays: Path, **overrides: Any) -> ConfigParser:
    parser = ConfigParser()
    below = ["inference"] if config == "evaluate" else []  # it is an overlay
    parser.read_config([*(BRATS / "configs" / f"{name}.json" for name in (*below, config)), *overlays])
    parser.update(overrides)
    return parser


def test_bundle_root_is_the_folder_of_the_bundle_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BRATS))
    assert parse("train").get_parsed_content("checkpoint") == str(BRATS / "models" / "model.pt")
    monkeypatch.setattr(sys, "path", [str(REPOSITORY)])
    assert parse("inference").get_parsed_content("checkpoint") == "./models/model.pt"


@pytest.mark.parametrize("config", ["train", "inference"])
def test_ones_in_ones_out_of_the_sliding_window(config: str) -> None:
    inferer = parse(config, **TINY).get_parsed_content("inferer" if config == "inference" else "validate::inferer")
    ones = torch.ones(1, 1, 37, 22, 41)
    torch.testing.assert_close(inferer(ones, lambda window: window), ones, rtol=0, atol=1e-5)


def test_loss_is_dice_plus_cross_entropy_of_overlapping_regions() -> None:
    loss = parse("train").get_parsed_content("loss")
    logits, target = torch.randn(2, 3, 4, 4, 4), torch.randint(0, 2, (2, 3, 4, 4, 4)).float()
    p, axes = logits.sigmoid(), (0, 2, 3, 4)
    dice = (2 * (p * target).sum(axes) + 1e-5) / (p.sum(axes) + target.sum(axes) + 1e-5)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
    torch.testing.assert_close(loss(logits, target), (1 - dice).mean() + entropy)


class DepthToRegions(torch.nn.Module):
    """Reads the regions off an image whose brightness is the depth (mm) below the tumour's surface."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.cat([(image[:, :1] - OFFSET - depth) / 4 for depth in (6.0, 3.0, 0.0)], dim=1)


OFFSET = 100.0


@pytest.mark.parametrize("layout", ["brats23", "msd"])
def test_segmentation_lies_on_the_voxels_of_an_oblique_anisotropic_image(layout: str, tmp_path: Path) -> None:
    shape = (30, 28, 14)
    points = nib.affines.apply_affine(OBLIQUE_LAS, np.moveaxis(np.indices(shape), 0, -1))
    centre = nib.affines.apply_affine(OBLIQUE_LAS, [12, 15, 6])
    depth = 10 - np.linalg.norm((points - centre) * [1, 0.9, 0.8], axis=-1)
    truth = np.digitize(depth, [0, 3, 6]).astype(np.uint8)
    sure = np.abs(depth[..., None] - [0, 3, 6]).min(-1) > 0.25
    image = (depth + OFFSET).astype(np.float32)
    if layout == "msd":
        description = {"modality": dict(enumerate(["FLAIR", "T1w", "t1gd", "T2w"])), "test": ["./c1.nii.gz"]}
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "dataset.json").write_text(json.dumps(description))
        nib.save(nib.Nifti1Image(np.stack([image] * 4, -1), OBLIQUE_LAS), tmp_path / "data" / "c1.nii.gz")
    else:
        for ending in ("t1n", "t1c", "t2w", "t2f"):
            (tmp_path / "data" / "c1").mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(image, OBLIQUE_LAS), tmp_path / "data" / "c1" / f"c1-{ending}.nii.gz")
    parser = parse("inference", dataset_dir=str(tmp_path / "data"), output_dir=str(tmp_path / "out"), **TINY)
    parser["layout"]["name"] = layout
    parser["network"] = DepthToRegions()
    parser["handlers"] = []
    parser["preprocessing"]["transforms"].pop()  # the brightness is read as it is
    parser["postprocessing"]["transforms"][2]["regions"] = {"inner": [3], "middle": [2, 3], "outer": [1, 2, 3]}
    parser.get_parsed_content("evaluator").run()
    written = nib.load(tmp_path / "out" / "c1" / "c1_seg.nii.gz")
    np.testing.assert_array_equal(written.affine, nib.load(next((tmp_path / "data").rglob("c1*.nii.gz"))).affine)
    assert (written.shape, written.get_data_dtype()) == (truth.shape, np.uint8)
    np.testing.assert_array_equal(np.asarray(written.dataobj)[sure], truth[sure])
    assert sure.mean() > 0.9


def test_train_and_inference_see_a_case_alike(brats_folder: Path) -> None:
    train, infer = (parse(name, dataset_dir=str(brats_folder), **TINY) for name in ("train", "inference"))
    for parser in (train, infer):
        parser["spacing"] = [2.0, 1.5, 1.0]
    case = next(item for item in train.get_parsed_content("cases") if item["case"] == "GLI-2-000")
    seen = train.get_parsed_content("validate::preprocessing")(case)
    same = infer.get_parsed_content("preprocessing")({**case, "label": None})
    torch.testing.assert_close(seen["image"].as_tensor(), same["image"].as_tensor())
    regions = train.get_parsed_content("layout").regions
    torch.testing.assert_close(seen["label"].shape[1:], seen["image"].shape[1:])
    assert len(LabelToRegionsd("label", regions).regions) == len(seen["label"])


def test_a_missing_checkpoint_is_told_with_its_cure(brats_folder: Path, tmp_path: Path) -> None:
    parser = parse("inference", dataset_dir=str(brats_folder), bundle_root=str(tmp_path), **TINY)
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*model\.pt; train first, or pass --checkpoint FILE"):
        parser.get_parsed_content("evaluator").run()


def test_bad_data_is_told_before_anything_is_built(tmp_path: Path, brats_case: Callable[..., Path]) -> None:
    (brats_case(tmp_path, "a") / "a-t1c.nii.gz").unlink()
    (brats_case(tmp_path, "b") / "b-t2w.nii.gz").write_text("no image")
    for config in ("train", "inference"):
        parser = parse(config, dataset_dir=str(tmp_path), output_dir=str(tmp_path / "out"), **TINY)
        with pytest.raises(RuntimeError) as caught:
            parser.get_parsed_content("train::trainer" if config == "train" else "evaluator")
        assert isinstance(caught.value.__cause__, DatasetError)
        assert [problem.case for problem in caught.value.__cause__.problems] == ["a", "b"]
    assert not (tmp_path / "out").exists()


def bundle_run(config: str, *arguments: str, cwd: Path) -> str:
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", config, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_main_job_from_inside_and_outside_the_bundle(tmp_path: Path, brats_folder: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(BRATS, bundle, ignore=shutil.ignore_patterns("models", "eval"))
    tiny = ["--channels", "[8, 16]", "--roi_size", "[16, 16, 16]", "--num_workers", "0"]
    tiny += ["--dataset_dir", str(brats_folder)]
    training = ["--val_interval", "1", "--learning_rate", "0.005", "--cache_rate", "1.0", *tiny]

    outside = bundle_run("bundle/configs/train.json", "--max_epochs", "3", *training, cwd=tmp_path)
    assert "val_dice_ET" in outside
    state = torch.load(bundle / "models" / "training" / "state.pt", weights_only=True)
    assert state["epoch"] == 3
    best = torch.load(bundle / "models" / "model.pt", weights_only=True)
    assert sorted(best) == sorted(state["network"])
    assert list((bundle / "eval").glob("events.out.tfevents.*"))

    inside = bundle_run("configs/train.json", "--max_epochs", "6", "--resume", "True", *training, cwd=bundle)
    assert "Epoch[4] Metrics" in inside
    assert "Epoch[3] Metrics" not in inside
    assert torch.load(bundle / "models" / "training" / "state.pt", weights_only=True)["epoch"] == 6

    for config, folder in (("bundle/configs/inference.json", tmp_path), ("configs/inference.json", bundle)):
        shutil.rmtree(bundle / "eval")
        bundle_run(config, *tiny, cwd=folder)
        for label in brats_folder.rglob("*-seg.nii.gz"):
            case = label.parent.name
            truth, written = nib.load(label), nib.load(bundle / "eval" / case / f"{case}_seg.nii.gz")
            np.testing.assert_array_equal(written.affine, truth.affine)
            found, tumour = np.asarray(written.dataobj) > 0, np.asarray(truth.dataobj) > 0
            assert 2 * (found & tumour).sum() > 0.5 * (found.sum() + tumour.sum())
