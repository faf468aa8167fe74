"""Tells configs that can run code from those that cannot: the shipped ones, and those made of known harmless parts."""

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import monai.transforms
from monai.bundle.reference_resolver import ReferenceResolver
from monai.transforms import Transform

OWN_PARTS = {
    "iunet_med.datasets": {
        "FolderLayout",
        "ModalityReader",
        "MsdLayout",
        "NamedLayout",
        "NnunetLayout",
        "OrganLayout",
        "dataset_layout",
        "find_layout",
        "find_organ_layout",
    },
    "iunet_med.inference": {"FlipInferer"},
    "iunet_med.networks": {"InvertibleUNet", "IUNet", "UNet"},
    "iunet_med.transforms": {
        "KeepLargestPartd",
        "LabelToRegionsd",
        "LimitOutliersd",
        "LoadModalitiesd",
        "LoadOrgansd",
        "PlainSpacingd",
        "RegionsToLabeld",
    },
}
"""What this package offers to configs that neither writes nor runs anything, whatever plain values it is given."""
_TRANSFORM_MODULES = {f"monai.transforms.{part}.dictionary" for part in ("croppad", "intensity", "post", "spatial")}
_TRANSFORMS = {
    *("Compose", "LoadImaged", "OneOf", "RandomOrder", "SomeOf"),
    *("AsChannelLastd", "CastToTyped", "ConcatItemsd", "ConvertToMultiChannelBasedOnBratsClassesd", "CopyItemsd"),
    *("DeleteItemsd", "EnsureChannelFirstd", "EnsureTyped", "Identityd", "LabelToMaskd", "MapLabelValued"),
    *("RepeatChanneld", "SelectItemsd", "SplitDimd", "SqueezeDimd", "ToTensord", "Transposed"),
}
_WRITES = {"SaveClassificationd"}
_READER = "iunet_med.datasets.ModalityReader"
_REFERENCES = {
    *("channels", "couplings", "dataset_dir", "layout", "network_def", "overlap", "preprocessing", "roi_size"),
    *("sliding_window", "spacing", "sw_batch_size", "test_time_flips"),
}
"""Ids whose values are data or harmless parts; others, such as `run`, start work when they are referred to."""


def own_configs() -> dict[str, str]:
    """SHA-256 -> path of the configs that this version of the project ships, from `own_configs.txt`."""
    listed = resources.files("iunet_med.inference").joinpath("own_configs.txt").read_text(encoding="utf-8")
    return {line.split()[0]: line.split()[1] for line in listed.splitlines() if line}


def check_trusted(file: Path, content: bytes, config: Mapping[str, Any]) -> None:
    """Let a config pass that this version ships, or that holds nothing but plain values and harmless parts.

    Raises:
        ValueError: names the first id that could run code, and its text.
    """
    if hashlib.sha256(content).hexdigest() in own_configs():
        return
    for name, text in _risks(config, ()):
        raise ValueError(
            f"{file} is not a config of this version of iunet-med, and its id {name} is {text!r}, which can run code; "
            "expected plain values, and as `_target_` layouts, transforms and networks of iunet_med or transforms of "
            "MONAI; read the file, and pass --trust if you trust who wrote it."
        )


def check_metadata(file: Path, metadata: Mapping[str, Any]) -> None:
    """Let metadata pass that stay texts where MONAI's verbs put them into a config.

    Raises:
        ValueError: names the first text that MONAI would run or replace.
    """
    for name, text in _risks(metadata, ()):
        raise ValueError(
            f"{file}: {name} is {text!r}, which MONAI would take for code; let the text begin with another sign."
        )


def _risks(value: Any, place: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Yield the id and the value of all that is not known to be harmless."""
    key = ReferenceResolver.split_id(place[-1])[-1].lstrip("+") if place else ""
    if _is_special(key) or (key == "reader" and not isinstance(value, dict)):
        harmless = value == _READER if key == "reader" else key == "_target_" and is_harmless(value)
        if not harmless:
            yield "::".join(place), value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _risks(part, (*place, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _risks(part, (*place, str(number)))
    elif isinstance(value, str) and not _is_plain(value):
        yield "::".join(place), value


def _is_special(key: str) -> bool:
    """Whether MONAI takes a key for an instruction, such as `_mode_`, and no comment or switch."""
    return key.startswith("_") and not key.startswith("_desc_") and key != "_disabled_"


def _is_plain(text: str) -> bool:
    """Whether MONAI takes a text as it is, or for the value of a known id."""
    if text.startswith(("$", "%")):
        return False
    references: dict[str, int] = ReferenceResolver.match_refs_pattern(text)
    return all(ReferenceResolver.split_id(reference)[0] in _REFERENCES for reference in references)


def is_harmless(target: Any) -> bool:
    """Return True if what a `_target_` names neither writes nor runs anything, whatever plain values it is given.

    The names are compared as a whole: Python would follow `iunet_med.files.os.system` to the end.
    """
    module, _, name = str(target).rpartition(".")
    if module in OWN_PARTS:
        return name in OWN_PARTS[module]
    found = getattr(monai.transforms, name, None) if module in ("", "monai.transforms") else None
    if not (inspect.isclass(found) and issubclass(found, Transform)) or found.__name__ in _WRITES:
        return False
    return found.__module__ in _TRANSFORM_MODULES or found.__name__ in _TRANSFORMS
