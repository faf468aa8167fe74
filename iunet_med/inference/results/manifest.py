"""How a run was made: by what, on what, with which options, and how each case ended."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from iunet_med.files import replacing
from iunet_med.inference.bundle import Bundle
from iunet_med.inference.options import Options
from iunet_med.inference.results.sidecar import CaseResult

MANIFEST = "run.json"
_OF_PLACES = ("output", "bundle", "overwrite", "jobs", "keep_identifiers", "trust")
"""Options that say where and how, not what."""


def write_manifest(
    output: Path, results: Sequence[CaseResult], bundle: Bundle, options: Options, *, given: Path, started: datetime
) -> None:
    """Write run.json to the folder of the results.

    Args:
        output: the folder.
        results: of all cases.
        bundle: what they were made by.
        options: what was asked for.
        given: the input.
        started: when the run began.
    """
    content: dict[str, Any] = {
        "started": started.isoformat(timespec="seconds"),
        "ended": datetime.now().astimezone().isoformat(timespec="seconds"),
        "input": given.name,
        "software": {name: version(name) for name in ("iunet-med", "monai", "torch")}
        | {"python": platform.python_version()},
        "machine": {"system": platform.system(), "processor": platform.machine(), "device": _device(bundle.device)},
        "bundle": {
            "name": bundle.name,
            "folder": Path(options.bundle).resolve().name,
            "version": bundle.version,
            "weights_sha256": bundle.weights_sha256,
            "config_sha256": bundle.config_sha256,
        },
        "options": _given(options),
        "cases": [
            {
                "case": one.case,
                "status": one.status,
                "reason": one.reason,
                "seconds": round(one.seconds, 2),
                "peak_mib": round(one.peak_mib, 1),
                "inputs_sha256": one.made_by.get("inputs_sha256", ""),
                "files": list(one.files),
            }
            for one in results
        ],
    }
    with replacing(output / MANIFEST) as temporary:
        temporary.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")


def bundle_of(results: Path) -> str:
    """Return the name of the bundle that made results as it is, without other configs or settings; else nothing."""
    try:
        told = json.loads((results / MANIFEST).read_text(encoding="utf-8"))
        changed = {"configs", "settings"} & told["options"].keys()
        return "" if changed else str(told["bundle"]["folder"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ""  # no results of `segment`


def _given(options: Options) -> dict[str, Any]:
    given = {key: value for key, value in asdict(options).items() if key not in _OF_PLACES and value}
    return given | ({"configs": [Path(one).name for one in options.configs]} if options.configs else {})


def _device(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
