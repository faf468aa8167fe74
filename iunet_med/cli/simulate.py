"""`iunet-med simulate`: brain MRI with tumours, CT of torsos, or foam with its truth, to try the software on."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from iunet_med.cli.terminal import clear_errors, progress_bar


class SimulatedKind(str, Enum):
    """What the simulator makes."""

    BRAIN = "brain"
    CT = "ct"
    FOAM = "foam"


class Realism(str, Enum):
    """How the simulator's brains are drawn."""

    TYPICAL = "typical"
    DOMAIN_RANDOM = "domain-random"


class SimulatedLayout(str, Enum):
    """Layouts that the simulator writes."""

    BRATS18 = "brats18"
    BRATS19 = "brats19"
    BRATS20 = "brats20"
    BRATS21 = "brats21"
    BRATS23 = "brats23"
    MSD = "msd"
    NNUNET = "nnunet"
    MASKS = "totalsegmentator"


LAYOUTS = {
    SimulatedKind.BRAIN: [layout for layout in SimulatedLayout if layout.value.startswith(("brats", "msd"))],
    SimulatedKind.CT: [SimulatedLayout.MSD, SimulatedLayout.NNUNET, SimulatedLayout.MASKS],
    SimulatedKind.FOAM: [],
}
SPACING_MM = {SimulatedKind.BRAIN: (1.0, 2.0, 4.0), SimulatedKind.CT: (1.0, 3.0, 6.0)}
"""The finest, the usual and the coarsest voxels."""


def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write to; it is made if need be.")],
    kind: Annotated[
        SimulatedKind,
        typer.Option(
            help="`brain`: MRI with tumours. `ct`: CT of torsos with 26 organs. `foam`: CT of foam from few angles and "
            "the truth, to restore."
        ),
    ] = SimulatedKind.BRAIN,
    cases: Annotated[int, typer.Option(min=1, help="How many patients.")] = 8,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the first patient, and 1 more for each one after. It makes the patient.")
    ] = 0,
    layout: Annotated[
        SimulatedLayout | None,
        typer.Option(
            help="Of brains `brats18` to `brats23` (the default), folders as of that year's challenge. Of either `msd` "
            "(the default of CT): dataset.json and imagesTr. Of CT `nnunet` (raw, v2) and `totalsegmentator`: a folder "
            "per case with a mask per organ.",
            show_default=False,
        ),
    ] = None,
    spacing: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=6,
            help="Edge of the cubic voxels in mm, by default 2 for brains and 3 for CT.",
            show_default=False,
        ),
    ] = None,
    realism: Annotated[
        Realism,
        typer.Option(
            help="`typical`: brains as in a good scan, one glioma each. `domain-random`: contrasts, faults and tumours "
            "of many kinds, drawn wider than real ones, to train on."
        ),
    ] = Realism.TYPICAL,
    anatomies: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="With `domain-random`: label maps of brains, in FreeSurfer's numbers, to start from.",
            show_default=False,
        ),
    ] = None,
    scans: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="With `domain-random`: skull-stripped heads without tumour (t1, t1c, t2, flair) to paint some into. "
            "With `--kind ct`: a data set of CTs with labels of all 26 organs; half of the cases are made from them.",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        int, typer.Option(min=16, help="Of foam: voxels along each axis; simulated at twice as many.")
    ] = 64,
    angles: Annotated[int, typer.Option(min=1, help="Of foam: projections over half a turn.")] = 64,
    photons: Annotated[float, typer.Option(min=1, help="Of foam: photons sent along each ray.")] = 1000.0,
) -> None:
    """Write simulated scans and their label maps: brain MRI (t1, t1c, t2, flair) with tumours, or CT of torsos.

    The brains are deformations of the MNI152 template, the tumours are drawn by chance; the torsos are built from
    shapes, or are real ones of `--scans`, bent and recoloured. Data to try software on, not to learn about patients.
    Brains need the extra `demo`.

    Example: `iunet-med simulate demo/train --cases 8`, `iunet-med simulate demo/ct --kind ct --cases 20`
    """
    if kind is SimulatedKind.FOAM:
        if layout or spacing or realism is Realism.DOMAIN_RANDOM:
            raise typer.BadParameter(
                "--kind foam has neither layouts nor spacings; expected --size, --angles, --photons."
            )
        _simulate_foam(out, range(seed, seed + cases), size=size, angles=angles, photons=photons)
        return
    fine, usual, coarse = SPACING_MM[kind]
    edge = usual if spacing is None else spacing
    if not fine <= edge <= coarse:
        raise typer.BadParameter(f"--spacing {edge:g}: expected {fine:g} to {coarse:g} mm with --kind {kind.value}.")
    chosen = layout or LAYOUTS[kind][0 if kind is SimulatedKind.CT else -2]
    if chosen not in LAYOUTS[kind]:
        known = ", ".join(one.value for one in LAYOUTS[kind])
        raise typer.BadParameter(f"--layout {chosen.value}: expected one of {known} with --kind {kind.value}.")
    widened = realism is Realism.DOMAIN_RANDOM
    if widened and kind is SimulatedKind.CT:
        raise typer.BadParameter("--realism domain-random: expected --kind brain.")
    if (anatomies or (scans and kind is SimulatedKind.BRAIN)) and not widened:
        raise typer.BadParameter("--anatomies and --scans need --realism domain-random.")
    seeds = range(seed, seed + cases)
    with clear_errors(), progress_bar() as progress:
        if kind is SimulatedKind.CT:
            from iunet_med.datasets.simulation import torso

            write = {
                SimulatedLayout.MSD: torso.write_ct_msd,
                SimulatedLayout.NNUNET: torso.write_ct_nnunet,
                SimulatedLayout.MASKS: torso.write_ct_masks,
            }[chosen]
            torsos = torso.simulate_cts(seeds, spacing_mm=edge, scans=scans)
            write(out, progress.track(torsos, total=cases, description="simulating"), start=seed)
            return
        from iunet_med.datasets.simulation import simulate_cases, write_brats, write_msd

        brains = simulate_cases(seeds, spacing_mm=edge)
        if widened:
            from iunet_med.datasets.simulation.domain import simulate_domain_random

            brains = simulate_domain_random(seeds, spacing_mm=edge, anatomies=anatomies, scans=scans)
        tracked = progress.track(brains, total=cases, description="simulating")
        if chosen is SimulatedLayout.MSD:
            write_msd(out, tracked)
        else:
            write_brats(out, tracked, start=seed, year=int(chosen.value.removeprefix("brats")))


def _simulate_foam(out: Path, seeds: range, *, size: int, angles: int, photons: float) -> None:
    with clear_errors(), progress_bar() as progress:
        from iunet_med.datasets.simulation.foam_scan import simulate_foam_scans, write_foam

        scans = simulate_foam_scans(seeds, size=size, angles=angles, photons=photons)
        write_foam(out, progress.track(scans, total=len(seeds), description="simulating"), start=seeds.start)
