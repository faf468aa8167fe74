"""The app that `iunet-med monai-label` writes: real server, real requests."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import requests

from iunet_med.inference import segment
from iunet_med.monai_label.folder import WrittenApp, write_app
from tests.monai_label.conftest import (
    OBLIQUE,
    SHAPE,
    Server,
    channels_of,
    drawn_label,
    running,
    voxels_of,
    write_label,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def app(scans: Path, small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> WrittenApp:
    """An app in a folder whose name has a space, with two items more, which are no cases."""
    out = tmp_path_factory.mktemp("own") / "an app"
    written = write_app(str(scans), out, bundle=small_bundle, patterns={}, trust=True)
    wrong = nib.Nifti1Image(np.zeros((*SHAPE, 3), np.float32), OBLIQUE)
    nib.save(wrong, Path(written.studies) / "three.nii.gz")
    (Path(written.studies) / "broken.nii.gz").write_bytes(b"no image")
    return written


@pytest.fixture(scope="module")
def server(label_python: Path, app: WrittenApp) -> Iterator[Server]:
    with running(label_python, app.path, app.studies, model="small") as one:
        yield one


def test_each_patient_is_one_item_and_gives_what_segment_gives(
    server: Server, app: WrittenApp, scans: Path, tmp_path: Path
) -> None:
    listed = requests.get(f"{server.url}/datastore/?output=all", timeout=60).json()["objects"]
    assert sorted(listed) == ["P0", "P1", "P2", "broken", "three"]
    segment(scans, output=tmp_path / "out", bundle=server.models.parent, trust=True, device="cpu")
    for case in ("P0", "P1", "P2"):
        wanted = nib.load(tmp_path / "out" / case / f"{case}_seg.nii.gz")
        got = voxels_of(server.infer(case), tmp_path)
        np.testing.assert_array_equal(np.asarray(got.dataobj).squeeze(), np.asarray(wanted.dataobj))
        np.testing.assert_allclose(got.affine, wanted.affine, atol=1e-4)
        assert len(np.unique(wanted.dataobj)) > 1, "an empty map would prove little"


def test_what_the_app_offers(server: Server, small_bundle: Path) -> None:
    info = requests.get(f"{server.url}/info/", timeout=60).json()
    named = {name.lower(): value for value, name in channels_of(small_bundle, "outputs").items() if value}
    assert info["models"]["small"]["labels"] == named
    assert info["models"]["small"]["config"]["model_filename"][0] == "model.pt"
    assert set(info["strategies"]) == {"random", "first", "epistemic"}
    assert set(info["scoring"]) == {"epistemic"}
    assert set(info["trainers"]) == {"small"}


@pytest.mark.parametrize(
    ("image", "params", "status", "told"),
    [
        ("three", {}, 400, "three.nii.gz"),
        ("broken", {}, 400, "broken.nii.gz is not a readable NIfTI image"),
        ("nobody", {}, 404, "There is no item 'nobody'"),
        ("P0", {"model_filename": "none.pt"}, 400, "is damaged, or no checkpoint"),
        ("P0", {"model_filename": "../../main.py"}, 400, "expected one of model.pt, none.pt"),
    ],
)
def test_bad_input_is_answered_in_words(
    server: Server, image: str, params: dict[str, Any], status: int, told: str
) -> None:
    none = server.models / "none.pt"
    none.write_bytes(b"no weights")
    before = server.digests()
    answer = server.infer(image, **params)
    assert (answer.status_code, told in answer.json()["detail"]) == (status, True), answer.text
    assert server.process.poll() is None
    assert server.digests() == before
    none.unlink()
    assert server.infer("P0").status_code == 200


def test_a_label_that_training_could_not_use_is_refused_when_it_is_submitted(
    server: Server, small_bundle: Path, tmp_path: Path
) -> None:
    good = drawn_label(small_bundle, 0)
    for image, array, told in (
        ("P0", good[:-1], "the label map and .* lie on different grids"),
        ("P0", np.full(SHAPE, 200), "label value 200"),
        ("P0", np.zeros(SHAPE), "the label map is empty"),
        ("nobody", good, "There is no item"),
    ):
        answer = server.submit(image, write_label(tmp_path / "label.nii.gz", array))
        assert answer.status_code in (400, 404)
        assert re.search(told, answer.json()["detail"])
    stored = requests.get(f"{server.url}/datastore/?output=all", timeout=60).json()["objects"]
    assert "final" not in stored["P0"]["labels"]


def test_labels_train_and_the_new_weights_are_served(server: Server, small_bundle: Path, tmp_path: Path) -> None:
    before = server.digests()
    ended = server.train()
    assert (ended["status"], ended["details"][-1]) == (
        "ERROR",
        "ValueError: There is no label tagged final to train on; submit one in the viewer first.",
    )
    assert server.digests() == before
    for number, pretrained in ((0, True), (1, False)):
        label = write_label(tmp_path / "label.nii.gz", drawn_label(small_bundle, number))
        assert server.submit(f"P{number}", label).status_code == 200
        previous = server.digests()
        assert server.train(pretrained=pretrained)["status"] == "DONE"
        after = server.digests()
        assert after["model.pt"] != previous["model.pt"]
        assert after[f"model-{number + 1}.pt"] == previous["model.pt"]
        assert after["shipped.pt"] == before["shipped.pt"]
    log = (server.models.parents[2] / "server.log").read_text(errors="replace")
    assert "No case was validated on: the last weights are kept" in log, "one label"
    assert "val_mean_dice best value" in log, "two labels: one is validated on"


def test_scores_are_entropies_and_choose_the_next_image(server: Server) -> None:
    answer = server.post("/scoring/epistemic?run_sync=true", {"device": "cpu", "simulation_size": 2})
    assert answer.status_code == 200, answer.text
    objects = requests.get(f"{server.url}/datastore/?output=all", timeout=60).json()["objects"]
    unlabelled = {name: one["image"]["info"] for name, one in objects.items() if "final" not in one["labels"]}
    scores = {name: info["epistemic_entropy"] for name, info in unlabelled.items() if "epistemic_entropy" in info}
    assert scores
    assert set(scores) == set(unlabelled) - {"three", "broken"}
    assert all(score > 0 for score in scores.values())
    assert "broken.nii.gz" in unlabelled["broken"]["epistemic_error"]
    chosen = server.post("/activelearning/epistemic", {}).json()["id"]
    assert chosen == max(scores, key=lambda name: scores[name])
    for strategy in ("random", "first"):
        assert server.post(f"/activelearning/{strategy}", {}).json()["id"] in unlabelled
    refused = server.post("/activelearning/best", {})
    assert (refused.status_code, "no such strategy 'best'" in refused.json()["detail"]) == (400, True)


def test_the_default_batch_goes_on_after_an_item_that_cannot_be_used(server: Server) -> None:
    done = json.loads(server.post("/batch/infer/small?run_sync=true").text)
    assert "broken.nii.gz" in done["broken"]["error"]
    assert [name for name, one in sorted(done.items()) if "label" in one] == ["P0", "P1", "P2"]


def test_several_processes_train_by_the_command_that_the_server_writes(
    server: Server, small_bundle: Path, tmp_path: Path
) -> None:
    for number in (0, 1):
        label = write_label(tmp_path / "label.nii.gz", drawn_label(small_bundle, number))
        assert server.submit(f"P{number}", label).status_code == 200
    before = server.digests()
    body = {"max_epochs": 1, "val_split": 0.5, "force_multi_gpu": True, "gpus": "0,1", "device": "cpu"}
    assert server.post("/train/small?run_sync=true", body).status_code == 200
    log = (server.models.parents[2] / "server.log").read_text(errors="replace")
    assert "--nproc_per_node=2" in log
    assert "Return code: 0" in log
    assert server.digests()["model.pt"] != before["model.pt"]
