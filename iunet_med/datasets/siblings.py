"""The files and the order of the modalities of an image that another program names by one path."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from iunet_med.datasets.kinds import stem_of
from iunet_med.datasets.layouts import Layout, MsdLayout
from iunet_med.datasets.names import kind_of, split_name
from iunet_med.datasets.public import LayoutName, dataset_layout
from iunet_med.volumes import read_grid

_LAYOUTS: tuple[LayoutName, ...] = ("brats18", "brats23", "files")
LABEL_REGIONS = "label_regions"
"""The key of an item's own regions, as JSON: a text passes through loaders and batches as it is."""
Certainty = Literal["named", "assumed"]


@dataclass(frozen=True)
class Study:
    """What belongs to an image.

    Args:
        paths: one file with all modalities as channels, or one per modality.
        modalities: the names of the channels, as they lie in the files.
        regions: the label values of the study's own data set; None where those of the given layout hold.
        order: "named" by the files or by dataset.json, or "assumed" to be the network's.
    """

    paths: Sequence[Path]
    modalities: Sequence[str]
    regions: Mapping[str, Sequence[int]] | None
    order: Certainty


def find_study(image: str | PathLike[str] | Sequence[str | PathLike[str]], layout: Layout) -> Study:
    """Find out what an image is that has no names: a file with several channels, or one of a case's files.

    A file with channels is named by a dataset.json of the Decathlon in its folder or the one above. A file of one
    modality stands for its case: the others lie in its folder, by the names of the layout, of BraTS, or of the field.

    Raises:
        ValueError: a modality is missing or there twice, or the channels are others.
    """
    wanted = list(layout.modalities)
    paths = [Path(image)] if isinstance(image, str | PathLike) else [Path(one) for one in image]
    if len(paths) > 1:
        return _several(paths, wanted)
    axes = read_grid(paths[0]).shape
    if len(axes) == 4 and axes[3] > 1:
        return _channels(paths[0], axes[3], layout)
    if len(wanted) == 1:
        return Study(paths, wanted, None, "named")
    return _siblings(paths[0], layout)


def _several(paths: Sequence[Path], wanted: Sequence[str]) -> Study:
    kinds = [kind_of(split_name(stem_of(path.name)).words) for path in paths]
    names = [kind for kind in kinds if kind in wanted]
    if len(names) == len(set(names)) == len(paths):
        return Study(paths, [str(name) for name in names], None, "named")
    return Study(paths, wanted, None, "assumed")


def _channels(path: Path, count: int, layout: Layout) -> Study:
    wanted = list(layout.modalities)
    if count != len(wanted):
        raise ValueError(
            f"{path}: expected {len(wanted)} channels, {', '.join(wanted)}, got {count}; give a file with these, or "
            "one file per modality."
        )
    msd = dataset_layout("msd")
    for folder in _folders(path):
        if (folder / "dataset.json").is_file() and isinstance(msd, MsdLayout) and set(msd.modalities) == set(wanted):
            return Study([path], msd.channels_of(folder), msd.regions, "named")
    return Study([path], wanted, None, "assumed")


def _folders(path: Path) -> Iterator[Path]:
    """Yield the folder of a file and the one above, also of the file that a link means."""
    for place in dict.fromkeys((path.absolute(), path.resolve())):
        yield from list(place.parents)[:2]


@contextmanager
def _files_alone(folder: Path) -> Iterator[Path]:
    """A folder of the same name with links to this one's files: what lies below it, as labels may, is no sibling."""
    with TemporaryDirectory() as place:
        alone = Path(place, folder.absolute().name or "root")
        alone.mkdir()
        for file in folder.iterdir():
            if file.is_file():
                (alone / file.name).symlink_to(file.absolute())
        yield alone


def _siblings(path: Path, layout: Layout) -> Study:
    wanted = list(layout.modalities)
    known = [layout, *(other for name in _LAYOUTS if set((other := dataset_layout(name)).modalities) == set(wanted))]
    reason = "no layout fits"
    with _files_alone(path.parent) as folder:
        for one in known:
            cases, problems = one.find(folder, labelled=False)
            for case in cases:
                names = [Path(file).name for file in case["image"]] if isinstance(case["image"], list) else []
                if path.name in names:
                    regions = None if one is layout else one.regions
                    return Study([path.with_name(name) for name in names], case["modalities"], regions, "named")
            reason = (
                "; ".join(str(problem) for problem in problems[:1]).replace(str(folder), str(path.parent)) or reason
            )
    raise ValueError(
        f"{path} holds one modality, and the network needs {', '.join(wanted)}; expected the other files beside it, by "
        f"names such as case-t1n, case-t1c, case-t2w, case-t2f; {reason}."
    )
