"""MONAI Label's own app for bundles serves ours: real server, real requests."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import requests

from iunet_med.inference import segment
from tests.monai_label.conftest import SHAPE, Server, channels_of, drawn_label, running, voxels_of, write_label

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def studies(scans: Path, small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files of the cases, and some that are no case."""
    folder = tmp_path_factory.mktemp("studies")
    for path in scans.iterdir():
        shutil.copy(path, folder)
    alone = np.zeros((*SHAPE, 3), np.float32)
    nib.save(nib.Nifti1Image(alone, np.eye(4)), folder / "three.nii.gz")
    (folder / "broken.nii.gz").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def server(
    label_python: Path, small_bundle: Path, studies: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    apps = tmp_path_factory.mktemp("apps")
    fetch = [label_python, "-m", "monailabel.main", "apps", "--download", "--name", "monaibundle", "--output", apps]
    subprocess.run(fetch, check=True, capture_output=True)
    app = apps / "monaibundle"
    shutil.copytree(small_bundle, app / "model" / "small")
    conf = {"models": "small", "zoo_source": "local", "sam2": "false"}
    with running(
        label_python, app, str(studies), model="small", conf=conf, MONAI_LABEL_AUTO_UPDATE_SCORING="false"
    ) as one:
        yield one


def item_of(studies: Path, case: str) -> str:
    """One of a case's files, by the name of its item."""
    return min(path.name for path in studies.glob(f"{case}*.nii.gz")).removesuffix(".nii.gz")


def test_any_file_of_a_case_gives_what_segment_gives(
    server: Server, studies: Path, scans: Path, small_bundle: Path, tmp_path: Path
) -> None:
    segment(scans, output=tmp_path / "out", bundle=server.models.parent, trust=True, device="cpu")
    wanted = nib.load(tmp_path / "out" / "P1" / "P1_seg.nii.gz")
    got = voxels_of(server.infer(item_of(studies, "P1")), tmp_path)
    np.testing.assert_array_equal(np.asarray(got.dataobj).squeeze(), np.asarray(wanted.dataobj))
    np.testing.assert_allclose(got.affine, wanted.affine, atol=1e-4)
    assert len(np.unique(wanted.dataobj)) > 1, "an empty map would prove little"


def test_segments_are_named_by_their_values(server: Server, small_bundle: Path) -> None:
    labels = requests.get(f"{server.url}/info/", timeout=60).json()["models"]["small"]["labels"]
    named = {name.lower(): value for value, name in channels_of(small_bundle, "outputs").items() if value}
    assert labels == named


@pytest.mark.parametrize(
    ("image", "told"), [("three", "channels|three axes"), ("broken", "broken.nii.gz is not a readable NIfTI image")]
)
def test_bad_input_is_answered_in_words(server: Server, image: str, told: str) -> None:
    before = server.digests()
    answer = server.infer(image)
    assert answer.status_code == 400
    assert any(words in answer.json()["detail"] for words in told.split("|")), answer.json()
    assert server.process.poll() is None
    assert server.digests() == before


def test_labels_that_do_not_fit_stop_training_and_good_ones_replace_the_weights(
    server: Server, studies: Path, small_bundle: Path, tmp_path: Path
) -> None:
    before = server.digests()
    item = item_of(studies, "P0")
    good = drawn_label(small_bundle, 0)
    for array, told in ((good[:-1], "lie on different grids"), (np.full(SHAPE, 200), "label value 200")):
        assert server.submit(item, write_label(tmp_path / "label.nii.gz", array)).status_code == 200
        ended = server.train()
        assert ended["status"] == "ERROR"
        assert any(told in line for line in ended["details"]), ended["details"]
        assert server.digests() == before
    server.submit(item, write_label(tmp_path / "label.nii.gz", good))
    assert server.train()["status"] == "DONE"
    after = server.digests()
    assert after["model-1.pt"] == before["model.pt"]
    assert after["model.pt"] != before["model.pt"]
    assert server.infer(item).status_code == 200


def test_several_processes_train_by_the_command_that_the_server_writes(
    server: Server, studies: Path, small_bundle: Path, tmp_path: Path
) -> None:
    for case in ("P0", "P1"):
        label = write_label(tmp_path / "label.nii.gz", drawn_label(small_bundle, int(case[1])))
        server.submit(item_of(studies, case), label)
    before = server.digests()
    body = {"max_epochs": 1, "val_split": 0, "force_multi_gpu": True, "gpus": "0,1", "device": "cpu"}
    assert server.post("/train/small?run_sync=true", body).status_code == 200
    log = (server.models.parents[2] / "server.log").read_text(errors="replace")
    assert "--nproc_per_node=2" in log
    assert "Return code: 0" in log
    assert (server.models.parent / "configs" / "monailabel_train.json").is_file()
    after = server.digests()
    assert after["model.pt"] != before["model.pt"]
    assert before["model.pt"] in after.values(), "the weights of before are kept"
