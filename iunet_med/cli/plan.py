"""`iunet-med plan`: what fits a memory, before anything runs on it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from iunet_med.cli.layout_option import TrustOption
from iunet_med.cli.terminal import clear_errors, messages, progress_bar

if TYPE_CHECKING:
    from monai.bundle import ConfigParser

    from iunet_med.planning.budget import Budget
    from iunet_med.planning.recipe import Parts, Recipe
    from iunet_med.planning.search import Crop, Plan, TooSmallError

SIZE_HELP = "Voxels of an image, as in 240x240x155; crops are no larger."


def plan(
    configs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[BUNDLE|CONFIG]...",
            help="A bundle's name or folder, or a config with an id `network_def`; the later ones are laid over the "
            "first. Default: iunet_brats_mri.",
        ),
    ] = None,
    memory: Annotated[str, typer.Option(metavar="SIZE", help="The device's memory, as in 24GB.")] = "24GB",
    volume: Annotated[str, typer.Option("--volume", metavar="XxYxZ", help=SIZE_HELP)] = "240x240x155",
    crop: Annotated[
        str, typer.Option("--crop", metavar="XxYxZ", help="Plan for this crop; default: the largest that fits.")
    ] = "",
    device: Annotated[Literal["cuda", "cpu"], typer.Option(help="What the step shall run on.")] = "cuda",
    precision: Annotated[
        Literal["auto", "float32", "bf16"],
        typer.Option(help="The step's types; `auto`: bf16 autocast on cuda, as bundles train, float32 on a CPU."),
    ] = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the plan as a config to lay over train.json.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the memory over the size of the crop, as PNG.")
    ] = None,
    trust: TrustOption = False,
) -> None:
    """Predict the memory of a training step, and what fits: the largest crop, the most channels, the levels to store.

    The step runs on tensors without data: it takes seconds, no GPU and little memory. On cuda our kernels are counted,
    and what autocast and convolutions take there; 0.5 GiB for the driver and a tenth for the allocator are set aside.

    Example: `iunet-med plan iunet_brats_mri --memory 24GB --out plan.json`, then
    `python -m monai.bundle run --config_file "['bundle/iunet_brats_mri/configs/train.json', 'plan.json']" ...`
    """
    with clear_errors():
        from iunet_med.planning.budget import Budget, parse_memory
        from iunet_med.planning.recipe import Recipe
        from iunet_med.planning.search import TooSmallError, make_plan

        budget = Budget(parse_memory(memory), on_gpu=device == "cuda")
        size, wished = _size(volume, "--volume"), _size(crop, "--crop") if crop else None
        bf16 = precision == "bf16" or (precision == "auto" and device == "cuda")
        recipe = Recipe(_read(configs or ["iunet_brats_mri"], trust=trust), device_type=device, bf16=bf16)
        with progress_bar() as progress:
            task = progress.add_task("predicting", total=None)

            def on_step() -> None:
                progress.advance(task)

            try:
                made = make_plan(recipe, budget.tensors, volume=size, crop=wished, on_step=on_step)
            except TooSmallError as error:
                raise ValueError(_too_small(error, budget, memory)) from error
            if picture:
                _draw(picture, recipe, made, budget, size, memory)
    _show(made, recipe, budget, memory)
    if out:
        from iunet_med.files import replacing

        with clear_errors(), replacing(out) as temporary:
            temporary.write_text(json.dumps(_overlay(made, recipe, memory), indent=4) + "\n", encoding="utf-8")
        messages.print(f"Wrote {escape(str(out))}; lay it over train.json.", highlight=False, soft_wrap=True)


def _read(configs: list[str], *, trust: bool) -> "ConfigParser":
    from iunet_med.inference.configs import read_configs
    from iunet_med.shipped import bundle_folder, shipped_bundles

    files = []
    for text in configs:
        if text in shipped_bundles() or Path(text).is_dir():
            files.append(bundle_folder(text) / "configs" / "train.json")
        else:
            files.append(Path(text))
    return read_configs(files, trust=trust)


def _size(text: str, option: str) -> tuple[int, ...]:
    try:
        size = tuple(int(part) for part in text.lower().split("x"))
    except ValueError:
        size = ()
    if not size or any(length < 1 for length in size):
        raise ValueError(f"{option} {text}: expected lengths in voxels, as in 160x192x128.")
    return size


def _too_small(error: "TooSmallError", budget: "Budget", memory: str) -> str:
    needed = budget.for_tensors(error.parts.total) / 2**30 + 0.05
    told = f"--memory {memory}: a training step on {_times(error.crop)} needs {needed:.1f}GB"
    if error.largest:
        return f"{told}; the largest crop that fits is {_times(error.largest)}."
    return f"{told}, and there is no smaller crop; take fewer channels, as in configs/low_memory.json."


def _show(made: "Plan", recipe: "Recipe", budget: "Budget", memory: str) -> None:
    console = Console()
    types = "bf16 autocast" if recipe.bf16 else "float32"
    title = f"A training step on {_times(made.crop)}, batch {recipe.batch}, {recipe.device_type}, {types}"
    table = Table(title=title, box=SIMPLE)
    for column in ("GiB", "weights", "gradients", "optimiser", "images", "working", "peak", "fits"):
        table.add_column(column, justify="left" if column == "GiB" else "right", no_wrap=True)
    for name, parts in made.modes.items():
        fits = "yes" if parts.total <= budget.tensors else "no"
        table.add_row(name, *_gib(parts), fits)
    console.print(table)
    for name, crop in made.crops.items():
        console.print(f"Largest crop, {name}: {_times(crop) if crop else 'none fits'}", highlight=False)
    if made.channels:
        console.print(f"Most channels at this crop, reversible: {', '.join(map(str, made.channels))}", highlight=False)
    if made.backprop:
        told = f"Fastest within {memory} at this crop: backprop {json.dumps(made.backprop)}"
        console.print(told, highlight=False, soft_wrap=True, markup=False)
    if recipe.device_type == "cuda":
        left = f"{budget.tensors / 2**30:.1f} GiB of {memory} are for tensors"
        told = f"{left}; run with PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True."
        console.print(told, highlight=False, soft_wrap=True)


def _gib(parts: "Parts") -> list[str]:
    sizes = (parts.weights, parts.gradients, parts.optimiser, parts.images, parts.working, parts.total)
    return [f"{size / 2**30:.2f}" for size in sizes]


def _times(crop: "Crop") -> str:
    return "x".join(map(str, crop))


def _overlay(made: "Plan", recipe: "Recipe", memory: str) -> dict[str, object]:
    peak = f"{made.parts.total / 2**30:.2f} GiB at the peak"
    told = f"by `iunet-med plan --memory {memory} --device {recipe.device_type}`: {peak}"
    overlay: dict[str, object] = {"_desc_": told, "roi_size": list(made.crop)}
    return overlay | ({recipe.id_of("backprop"): made.backprop} if made.backprop else {})


def _draw(path: Path, recipe: "Recipe", made: "Plan", budget: "Budget", volume: tuple[int, ...], memory: str) -> None:
    from iunet_med.planning.picture import write_plan_picture
    from iunet_med.planning.search import backprop_modes, crop_sizes, names

    sizes = crop_sizes(volume, recipe.multiple())
    shown = sorted({sizes[round(place * (len(sizes) - 1) / 3)] for place in range(4)} | {made.crop})
    levels = recipe.levels
    modes = backprop_modes(levels)

    def total(size: "Crop", stored: int) -> int:
        return recipe.predict(size, backprop=modes[stored] if modes else None).total

    chosen = sorted({0, levels // 2, levels})
    curves = {names(stored, levels): [total(size, stored) for size in shown] for stored in chosen}
    title = f"A training step in {memory}, {recipe.device_type}, {'bf16 autocast' if recipe.bf16 else 'float32'}"
    write_plan_picture(path, shown, curves, budget=budget.tensors, title=title, chosen=made.crop)
