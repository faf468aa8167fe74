"""Headers of every kind: all doors put a volume at one place or refuse it, and a result lies on its input."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel as nib
import numpy as np
import SimpleITK
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import LoadImage

from iunet_med.datasets import ModalityReader, dataset_layout
from iunet_med.datasets.survey import survey_case
from iunet_med.evaluation.volumes import read_label_maps
from iunet_med.inference.intake.inputs import read_case
from iunet_med.inference.intake.source import Source
from iunet_med.transforms import SaveSegmentationd
from iunet_med.volumes import read_header, write_nifti

SHAPE = (9, 10, 11)
NAMES = ("t1n", "t1c", "t2w", "t2f")
LAYOUT = dataset_layout("brats23")
LABEL = (np.indices(SHAPE).sum(0) % 7 == 0).astype(np.uint8)
angle, small = st.floats(-40, 40), st.floats(-1, 1)
ORIENTATIONS = ("RAS", "LPS", "LAS", "PIR", "SLP")


@st.composite
def affines(draw: st.DrawFn) -> np.ndarray:
    """A volume of any orientation, oblique or straight, anisotropic."""
    turn = nib.eulerangles.euler2mat(*np.radians([draw(angle), draw(angle), draw(angle)]))
    turn = turn if draw(st.booleans()) else np.eye(3)
    sizes = [draw(st.floats(1.5, 4)) for _ in range(3)]
    ornt = nib.orientations.axcodes2ornt(draw(st.sampled_from(ORIENTATIONS)))
    axes = np.zeros((3, 3))
    for column, (row, sign) in enumerate(ornt):
        axes[int(row), column] = sign
    return nib.affines.from_matvec(turn @ axes @ np.diag(sizes), [draw(st.floats(-99, 99)) for _ in range(3)])


@st.composite
def changes(draw: st.DrawFn) -> np.ndarray:
    """From nothing to what an atlas, a rounding or a mistake does to one of the forms."""
    match draw(st.sampled_from(["none", "tiny", "scale", "shear", "turn", "shift", "mirror", "round"])):
        case "tiny":
            return np.eye(4) + 1e-4 * draw(small) * np.eye(4)
        case "scale":
            return np.diag([*draw(st.sampled_from([(1.01,) * 3, (1.08,) * 3, (4.0,) * 3, (1.3, 0.9, 1.1)])), 1.0])
        case "shear":
            sheared = np.eye(4)
            sheared[0, 1] = draw(st.sampled_from([0.05, 0.3, 0.9]))
            return sheared
        case "turn":
            return nib.affines.from_matvec(nib.eulerangles.euler2mat(np.radians(draw(angle))), [0, 0, 0])
        case "shift":
            return nib.affines.from_matvec(np.eye(3), [draw(st.sampled_from([1.9, 15, 52])), 0, 0])
        case "mirror":
            return np.diag([-1.0, 1, 1, 1])
        case "round":
            return np.eye(4) + draw(small) * 5e-3 * np.eye(4, k=1) * [[1], [1], [0], [0]]
    return np.eye(4)


@st.composite
def headers(draw: st.DrawFn) -> nib.Nifti1Header:
    image = nib.Nifti1Image(LABEL, None)
    affine = draw(affines())
    image.header.set_zooms(nib.affines.voxel_sizes(affine))
    image.set_qform(affine, draw(st.sampled_from([0, 1, 1, 1, 2])))
    image.set_sform(draw(changes()) @ affine, draw(st.sampled_from([0, 1, 1, 2, 4])))
    image.header.set_xyzt_units(draw(st.sampled_from(["mm", "mm", "mm", "unknown", "micron"])))
    if draw(st.integers(0, 9)) == 0:
        image.header["pixdim"][2] = draw(st.sampled_from([0.0, -2.0, np.nan]))
    return image.header


def write_case(folder: Path, header: nib.Nifti1Header) -> list[Path]:
    noise = np.random.default_rng(0)
    paths = []
    for name in NAMES:
        head = header.copy()
        head.set_data_dtype(np.float32)
        voxels = noise.uniform(50, 150, SHAPE).astype(np.float32)
        nib.save(nib.Nifti1Image(voxels, None, head), paths.append(folder / f"c-{name}.nii") or paths[-1])
    # what users type to save a label, which drops the header
    affine = nib.load(paths[0]).affine
    nib.save(nib.Nifti1Image(LABEL, affine if np.isfinite(affine).all() else np.eye(4)), folder / "c-seg.nii")
    return paths


def told(door: Callable[[], np.ndarray]) -> np.ndarray | None:
    try:
        return np.asarray(door(), np.float64)
    except ValueError:
        return None


def surveyed(case: dict[str, object], *, whole: bool) -> np.ndarray:
    survey = survey_case(case, LAYOUT, spacing=(2, 2, 2), reach=(1, 1, 1), whole=whole)
    if survey.problems:
        raise ValueError(str(survey.problems))
    assert survey.grid is not None
    return survey.grid.affine


def evaluated(folder: Path) -> np.ndarray:
    read_label_maps(folder / "c-seg.nii", {"x": folder / "c-t1n.nii"}, case="c")
    return read_header(folder / "c-t1n.nii")[0].affine


def seen_by_itk(path: Path) -> np.ndarray | None:
    try:
        image = SimpleITK.ReadImage(str(path))
    except RuntimeError:
        return None
    corners = [(0, 0, 0), (8, 0, 0), (0, 9, 0), (0, 0, 10)]
    return np.array([image.TransformIndexToPhysicalPoint(corner) for corner in corners])


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(header=headers())
def test_all_doors_agree_or_refuse_and_results_lie_on_the_input(header: nib.Nifti1Header) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_case(folder, header)
        case = {"case": "c", "image": list(map(str, paths)), "modalities": NAMES, "label": str(folder / "c-seg.nii")}
        source = Source("c", dict(zip(NAMES, paths, strict=True)))
        doors = {
            "training": lambda: surveyed(case, whole=True),
            "datalist": lambda: surveyed(case, whole=False),
            "MONAI": lambda: LoadImage(reader=ModalityReader())(paths).affine,
            "segment": lambda: read_case(source, NAMES, modality="MR", zero_background=True).affine,
            "evaluate": lambda: evaluated(folder),
        }
        places = {door: told(look) for door, look in doors.items()}
        refused = {door for door, place in places.items() if place is None}
        assert refused in (set(), set(doors)), refused
        if refused:
            return
        for door, place in places.items():
            np.testing.assert_allclose(place, places["segment"], atol=1e-5, err_msg=door)
        _assert_results_lie_on(paths[0], folder / "out")


def _assert_results_lie_on(path: Path, output: Path) -> None:
    image = LoadImage(reader=ModalityReader())(path)
    label = MetaTensor(torch.from_numpy(LABEL)[None], meta=image.meta)
    SaveSegmentationd("pred", str(output / "run"))({"pred": label, "case": "c"})
    grid, header = read_header(path)
    write_nifti(output / "segment" / "c" / "c_seg.nii.gz", LABEL, grid.affine, like=header)
    for result in (output / "run" / "c" / "c_seg.nii.gz", output / "segment" / "c" / "c_seg.nii.gz"):
        np.testing.assert_allclose(nib.load(result).affine, nib.load(path).affine, atol=1e-5)
        expected, place = seen_by_itk(path), seen_by_itk(result)
        if expected is None:
            assert place is None
        else:
            assert place is not None, "ITK opens the input and not the result"
            np.testing.assert_allclose(place, expected, atol=1e-3)
        written = nib.load(result).header
        for field in ("sform_code", "qform_code", "xyzt_units"):
            assert int(written[field]) == int(header[field]) & (7 if field == "xyzt_units" else 255)


def test_refusals_carry_the_files_name(tmp_path: Path) -> None:
    header = nib.Nifti1Image(LABEL, None).header
    (path, *_) = write_case(tmp_path, header)
    message = told_message(lambda: LoadImage(reader=ModalityReader())(path))
    assert message.startswith(f"{path}: sform_code and qform_code are 0")


def told_message(door: Callable[[], object]) -> str:
    try:
        door()
    except ValueError as error:
        return str(error)
    raise AssertionError("nothing was refused")
