"""Which images below a folder are one case, and what the case and its patient are called."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from iunet_med.datasets.kinds import Kinds, images_among, stem_of
from iunet_med.datasets.names import FileName, shorten, split_name
from iunet_med.datasets.walk import walk
from iunet_med.datasets.words import CONTRAST, TELLING

_INNER = {"anat", "nifti", "nii", "mr", "mri", "images"}
"""Folders inside a case's, which do not name it."""
_SERIES = re.compile(r"(?:s|se|ser|series)?[-_ ]?\d+", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d")
_VISIT = re.compile(
    r"(?:19|20)\d\d(?:[-_.]?\d\d){0,2}|(?:ses|session|visit|week|month|day|tp|timepoint|time|scan|exam|study|baseline|"
    r"initial|follow[-_ ]?up|fu|pre|post|pre[-_ ]?op|post[-_ ]?op)[-_ \d]*",
    re.IGNORECASE,
)
"""Folders of one of a patient's visits: by the date, or in words."""
_NUMBER = re.compile(r"(?:^|[\s_.-]+)\d+$")
"""The number of a series at the end of what stands before its description."""


@dataclass
class Image:
    """One file: what its name says, and what its folder says where the name does not.

    `spare` tells cases apart where the name's own prefix does not: the text that a pattern's star stands for, or the
    name as a whole.
    """

    path: Path
    name: FileName
    inherited: tuple[str, ...] = ()
    spare: str = ""


@dataclass
class Group:
    """The images of one case, and what each is taken for."""

    name: str
    patient: str
    folders: set[Path] = field(default_factory=set)
    images: list[Image] = field(default_factory=list)
    taken: dict[str, list[Path]] = field(default_factory=dict)

    @property
    def has_modality(self) -> bool:
        """Whether any image is one of the modalities."""
        return bool(self.taken.keys() - {"label"})

    @property
    def others(self) -> list[Path]:
        """Images that are taken for nothing."""
        used = {path for paths in self.taken.values() for path in paths}
        return [image.path for image in self.images if image.path not in used]


def group_images(kinds: Kinds) -> list[Group]:
    """Share the images below the root out to cases."""
    named: list[Group] = []
    places: dict[Path, list[Image]] = defaultdict(list)
    for folder, _, names in walk(kinds.root):
        parts = folder.relative_to(kinds.root).parts
        if "sourcedata" in parts:
            continue
        named += _bids_groups(folder, names)
        own = [_image(folder / name, kinds) for name in images_among(names) if not _bids(stem_of(name))]
        if own and "derivatives" not in parts:
            place, inherited = _place_of(folder, own, kinds)
            for image in own:
                if inherited and not _says(image, kinds):
                    image.inherited, image.spare = inherited, stem_of(image.path.name)
            places[place] += own
    found = [*named, *(group for place, images in places.items() for group in _place_groups(place, images, kinds))]
    for group in found:
        _take(group, kinds)
    _tell_apart([group for group in found if group.has_modality], kinds.root)
    return _merged(found, kinds)


def _image(path: Path, kinds: Kinds) -> Image:
    return Image(path, split_name(stem_of(path.name)), spare=kinds.before(path))


def _says(image: Image, kinds: Kinds) -> bool:
    """Return True if a file's name says what it is, or that it is something else."""
    return bool(kinds.of(image.path, image.name.words)) or not TELLING.isdisjoint(image.name.words)


def _kinds_of(image: Image, kinds: Kinds) -> Sequence[str]:
    return kinds.of(image.path, image.name.words) or image.inherited


def _place_of(folder: Path, images: Sequence[Image], kinds: Kinds) -> tuple[Path, tuple[str, ...]]:
    """Return the folder of the case, and what a series' own folder inside it says of its images."""
    said = {kind for image in images for kind in kinds.of(image.path, image.name.words)}
    inherited: tuple[str, ...] = ()
    place = folder
    while place != kinds.root:
        own = tuple(kinds.of(place, split_name(place.name).words))
        numbered = len(said) == 1 and _SERIES.fullmatch(place.name) and place.parent != kinds.root
        if len(own) == 1 and said <= {*own}:
            inherited = inherited or own
        elif not (numbered or place.name.casefold() in _INNER):
            break
        place = place.parent
    return place, inherited


def _place_groups(place: Path, images: Sequence[Image], kinds: Kinds) -> list[Group]:
    """Share the images of one folder out to cases by what stands before their descriptions."""
    whole, patient = _folder_names(kinds.root, place)
    telling = [image for image in images if _kinds_of(image, kinds)]
    prefixes = _prefixes(telling, kinds)
    several = {prefix.casefold(): prefix for prefix in prefixes.values() if prefix}
    if len(several) <= 1 or _are_loose(prefixes, telling, kinds, inner=place != kinds.root):
        alone = next(iter(several.values()), "") if place == kinds.root and len(several) == 1 else ""
        return [Group(alone or whole, alone or patient, {place}, list(images))]
    groups: dict[str, Group] = {}
    for image in images:
        prefix = prefixes.get(image.path, image.name.prefix)
        name = several.get(prefix.casefold(), "") or whole
        groups.setdefault(name, Group(name, name, {place})).images.append(image)
    return list(groups.values())


def _prefixes(telling: Sequence[Image], kinds: Kinds) -> dict[Path, str]:
    """Return for each image what tells its case: the start of its name, without the number of the series."""
    counts = Counter(kind for image in telling if not image.name.prefix for kind in _kinds_of(image, kinds))
    repeated = any(count > 1 for count in counts.values())
    prefixes = {image.path: image.name.prefix or (image.spare if repeated else "") for image in telling}
    stripped = {path: _NUMBER.sub("", prefix) for path, prefix in prefixes.items()}
    each = Counter(prefixes[image.path] for image in telling)
    of_bases = Counter((stripped[image.path], kind) for image in telling for kind in _kinds_of(image, kinds))
    are_series = all(count == 1 for count in (*each.values(), *of_bases.values()))
    return stripped if are_series and stripped != prefixes else prefixes


def _are_loose(prefixes: Mapping[Path, str], telling: Sequence[Image], kinds: Kinds, *, inner: bool) -> bool:
    """Return True if different starts of names mean one case: one file of each kind in a folder, and no codes."""
    counts = Counter(kind for image in telling for kind in _kinds_of(image, kinds))
    loose = inner and all(text.isdigit() or not any(map(str.isdigit, text)) for text in prefixes.values())
    patterned = all(pattern for name, pattern in kinds.patterns.items() if name != "label")
    return max(counts.values()) == 1 and (loose or patterned)


def _take(group: Group, kinds: Kinds) -> None:
    telling = [image for image in group.images if kinds.of(image.path, image.name.words)]
    short = shorten([image.name.words for image in telling])
    group.taken = {}
    found = [(image.path, kinds.of(image.path, words)) for image, words in zip(telling, short, strict=True)]
    found += [(image.path, list(image.inherited)) for image in group.images if image.inherited]
    for path, names in sorted(found):
        derived = "derivatives" in path.relative_to(kinds.root).parts
        for name in names:
            if name == "label" or not derived:
                group.taken.setdefault(name, []).append(path)


def _merged(found: Sequence[Group], kinds: Kinds) -> list[Group]:
    """Join the groups of one name, where they are parts of a case, and leave out what lies beside cases."""
    merged: dict[str, Group] = {}
    for group in found:
        before = merged.get(group.name)
        if before is None:
            merged[group.name] = group
        elif group.name.startswith("sub-") or not group.has_modality or not before.has_modality:
            before.images += group.images
            _take(before, kinds)
        else:
            before.folders |= group.folders
    some = any(group.has_modality for group in merged.values())
    return [group for group in merged.values() if group.has_modality or not (some and _is_beside(group, merged))]


def _is_beside(group: Group, groups: Mapping[str, Group]) -> bool:
    """Return True for labels alone, and for other images in a folder at, above or below one with a case's images."""
    others = {folder for other in groups.values() if other.has_modality for folder in other.folders}
    return "label" in group.taken or any(
        mine == other or other in mine.parents or mine in other.parents for mine in group.folders for other in others
    )


def _folder_names(root: Path, place: Path) -> tuple[str, str]:
    """Name the case and the patient of a folder; a visit's folder is named after the one above, too."""
    above = place.parent
    while above != root and root in above.parents and above.name.casefold() in _INNER:
        above = above.parent
    if root in above.parents and _VISIT.fullmatch(place.name):
        return f"{above.name}_{place.name}", above.name
    return place.name, place.name


def _tell_apart(groups: Sequence[Group], root: Path) -> None:
    """Put the name of the folder above before names that repeat, as in P01/first and P02/first, or 2020/P01.

    A folder inside a case's, such as P01/processed, is named after it, too, and is the same patient's.
    """
    counts = Counter(group.name for group in groups)
    above = {place: group for group in groups for place in group.folders if group.name == place.name}
    for group in groups:
        place = min(group.folders)
        if place == root or group.name != place.name:
            continue
        if outer := above.get(place.parent):
            group.name, group.patient = f"{outer.name}_{group.name}", outer.patient
        elif counts[group.name] > 1 and place.parent != root:
            group.patient = place.name if _YEAR.fullmatch(place.parent.name) else place.parent.name
            group.name = f"{place.parent.name}_{group.name}"


def _bids_groups(folder: Path, names: Sequence[str]) -> Iterator[Group]:
    groups: dict[str, Group] = {}
    for name in images_among(names):
        if bids := _bids(stem_of(name)):
            group = groups.setdefault(bids[0], Group(*bids[:2], {folder}))
            group.images.append(Image(folder / name, bids[2]))
    yield from groups.values()


def _bids(stem: str) -> tuple[str, str, FileName] | None:
    """Return the case, the patient and the description in a name such as sub-01_ses-1_ce-gd_T1w, else None."""
    *pairs, suffix = stem.split("_")
    entities = dict(pair.split("-", 1) for pair in pairs if "-" in pair)
    if "sub" not in entities or not stem.startswith("sub-"):
        return None
    case = "_".join(f"{key}-{entities[key]}" for key in ("sub", "ses") if key in entities)
    words = split_name(suffix).words
    for key in ("desc", "label"):
        words = (*split_name(entities.get(key, "")).words, *words)
    enhanced = entities.get("ce", "none") != "none" or CONTRAST & set(split_name(entities.get("acq", "")).words)
    return case, f"sub-{entities['sub']}", FileName(case, ("ce", *words) if enhanced else words)
