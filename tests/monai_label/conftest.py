"""A real server of MONAI Label, where `make monai-label-test` has built its environment, and small bundles for it."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import requests
import torch
from monai.bundle import ConfigParser
from nibabel.affines import from_matvec
from nibabel.eulerangles import euler2mat
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
SPACING_MM = [1.5, 1.4, 1.6]
SIZES: dict[str, Any] = {
    "channels": [4, 8],
    "couplings": 1,
    "roi_size": [16, 16, 16],
    "spacing": SPACING_MM,  # that of the scans: probabilities and labels are resampled in two ways, see the how-to
    "num_workers": 0,
}
SHAPE = (22, 24, 20)
OBLIQUE = from_matvec(euler2mat(0.2, 0.1, 0.3) @ np.diag([-1, 1, -1]) @ np.diag(SPACING_MM), [20.0, -10.0, 5.0])
STARTED_WITHIN_S = 120
TRAINED_WITHIN_S = 240


def segmenting_bundles() -> list[Path]:
    """The bundles whose output is label maps."""
    found = []
    for path in sorted(ROOT.glob("bundle/*/configs/metadata.json")):
        outputs = json.loads(path.read_text())["network_data_format"]["outputs"]
        found += [path.parents[1]] if outputs.get("pred", {}).get("format") == "classes" else []
    return found


@pytest.fixture(scope="session")
def label_python() -> Path:
    """Python of the environment that MONAI Label is installed in."""
    if not (python := os.environ.get("MONAI_LABEL_PYTHON")):
        pytest.skip("needs MONAI Label in an environment of its own; run `make monai-label-test`")
    return Path(python).absolute()


@pytest.fixture(scope="session", params=segmenting_bundles(), ids=lambda path: path.name)
def small_bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with a small network and drawn weights."""
    root = tmp_path_factory.mktemp("bundle") / "small"
    shutil.copytree(request.param, root, ignore=shutil.ignore_patterns("models", "eval"))
    for name in ("inference", "train"):
        config = json.loads((path := root / "configs" / f"{name}.json").read_text())
        path.write_text(json.dumps(config | {key: value for key, value in SIZES.items() if key in config}))
    parser = ConfigParser()
    parser.read_config(root / "configs" / "inference.json")
    torch.manual_seed(0)
    (root / "models").mkdir()
    torch.save(parser.get_parsed_content("network_def").state_dict(), root / "models" / "model.pt")
    return root


def channels_of(bundle: Path, side: str) -> dict[int, str]:
    """The names of a bundle's input channels, or of the values of its label maps."""
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    ((_, described),) = metadata["network_data_format"][side].items()
    return {int(number): name for number, name in described["channel_def"].items()}


def drawn_label(bundle: Path, seed: int) -> NDArray[np.uint8]:
    """Balls in balls, one for each value of the bundle's label maps."""
    values = sorted(set(channels_of(bundle, "outputs")) - {0})
    centre = np.array(SHAPE) / 2 + np.random.default_rng(seed).uniform(-2, 2, 3)
    distance = np.linalg.norm(np.moveaxis(np.indices(SHAPE), 0, -1) - centre, axis=-1)
    return np.select([distance < 2 * (n + 1) for n in range(len(values))], values, 0).astype(np.uint8)


@pytest.fixture(scope="session")
def scans(small_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three oblique cases in a folder, a file per modality."""
    folder = tmp_path_factory.mktemp("scans")
    names = list(channels_of(small_bundle, "inputs").values())
    for seed in range(3):
        label, noise = drawn_label(small_bundle, seed), np.random.default_rng(seed)
        for brightness, name in enumerate(names, start=1):
            image = 100 + 50 * brightness * (label > 0) + noise.normal(0, 5, SHAPE)
            if names == ["ct"]:
                image[0] = -1000
            path = folder / (f"P{seed}_{name}.nii.gz" if len(names) > 1 else f"P{seed}.nii.gz")
            nib.save(nib.Nifti1Image(image.astype(np.float32), OBLIQUE), path)
    return folder


def write_label(path: Path, array: NDArray[Any]) -> Path:
    nib.save(nib.Nifti1Image(array.astype(np.uint8), OBLIQUE), path)
    return path


@dataclass(frozen=True)
class Server:
    """A server that runs; `models` are the files that it serves `model` from."""

    url: str
    model: str
    models: Path
    process: "subprocess.Popen[bytes]"

    def infer(self, image: str, **params: Any) -> requests.Response:
        url = f"{self.url}/infer/{self.model}?image={image}&output=image"
        return requests.post(url, data={"params": json.dumps({"device": "cpu", **params})}, timeout=120)

    def submit(self, image: str, label: Path) -> requests.Response:
        url = f"{self.url}/datastore/label?image={image}&tag=final"
        with label.open("rb") as file:
            return requests.put(url, files={"label": (label.name, file)}, data={"params": "{}"}, timeout=60)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> requests.Response:
        return requests.post(f"{self.url}{path}", json=body, timeout=TRAINED_WITHIN_S)

    def train(self, **params: Any) -> dict[str, Any]:
        """Train, and return what the server tells of it when it has ended."""
        body = {"max_epochs": 1, "val_split": 0.2, "multi_gpu": False, "device": "cpu", **params}
        assert self.post(f"/train/{self.model}", body).status_code == 200
        end = time.monotonic() + TRAINED_WITHIN_S
        while time.monotonic() < end:
            told: dict[str, Any] = requests.get(f"{self.url}/train/", timeout=60).json()
            if told["status"] not in ("SUBMITTED", "RUNNING"):
                return told
            time.sleep(0.5)
        raise TimeoutError(f"training has not ended within {TRAINED_WITHIN_S} s")

    def digests(self) -> dict[str, str]:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in self.models.glob("*.pt")}


@contextmanager
def running(
    python: Path, app: Path, studies: str, *, model: str, conf: Mapping[str, str] | None = None, **env: str
) -> Iterator[Server]:
    """Start MONAI Label's server on a free port, and stop it and its children at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [str(python), "-m", "monailabel.main", "start_server", "--app", str(app), "--studies", studies]
    command += ["--host", "127.0.0.1", "--port", port]
    command += [word for key, value in (conf or {}).items() for word in ("--conf", key, value)]
    path = os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])
    settings = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "MONAI_LABEL_SESSION_PATH": str(app / "sessions")}
    with (app / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=app, env={**settings, **env})
    server = Server(f"http://127.0.0.1:{port}", model, app / "model" / model / "models", process)
    try:
        wait_for(server, app / "server.log")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(server: Server, log: Path) -> None:
    end = time.monotonic() + STARTED_WITHIN_S
    while time.monotonic() < end:
        assert server.process.poll() is None, log.read_text(errors="replace")[-3000:]
        try:
            requests.get(f"{server.url}/info/", timeout=60).raise_for_status()
        except requests.ConnectionError:
            time.sleep(0.3)
        else:
            return
    raise TimeoutError(f"the server did not start within {STARTED_WITHIN_S} s: {log.read_text()[-3000:]}")


def voxels_of(response: requests.Response, folder: Path) -> nib.Nifti1Image:
    """The label map that a server has sent."""
    assert response.status_code == 200, response.text
    (path := folder / "answer.nii.gz").write_bytes(response.content)
    return nib.load(path)
