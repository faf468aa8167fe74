"""`iunet-med simulate`: brain MRI with tumours, to try the software on."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from iunet_med.cli.terminal import clear_errors, progress_bar


class SimulatedLayout(str, Enum):
    """Layouts that the simulator writes."""

    BRATS18 = "brats18"
    BRATS19 = "brats19"
    BRATS20 = "brats20"
    BRATS21 = "brats21"
    BRATS23 = "brats23"
    MSD = "msd"


def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write to; it is made if need be.")],
    cases: Annotated[int, typer.Option(min=1, help="How many patients.")] = 8,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the first patient, and 1 more for each one after. It makes the patient.")
    ] = 0,
    layout: Annotated[
        SimulatedLayout,
        typer.Option(
            help="`brats18` to `brats23`: folders as of that year's challenge. `msd`: dataset.json, 4D files."
        ),
    ] = SimulatedLayout.BRATS23,
    spacing: Annotated[float, typer.Option(min=1, max=4, help="Edge of the cubic voxels in mm.")] = 2.0,
) -> None:
    """Write simulated brain MRI (t1, t1c, t2, flair) with tumours and their label maps.

    The brains are deformations of the MNI152 template, the tumours are drawn by chance: data to try software on, not to
    learn about patients. Needs the extra `demo`.

    Example: `iunet-med simulate demo/train --cases 8`
    """
    with clear_errors(), progress_bar() as progress:
        from iunet_med.datasets.simulation import simulate_cases, write_brats, write_msd

        patients = simulate_cases(range(seed, seed + cases), spacing_mm=spacing)
        tracked = progress.track(patients, total=cases, description="simulating")
        if layout is SimulatedLayout.MSD:
            write_msd(out, tracked)
        else:
            write_brats(out, tracked, start=seed, year=int(layout.value.removeprefix("brats")))
