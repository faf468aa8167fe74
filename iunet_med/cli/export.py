"""`iunet-med export`: a bundle's network as TorchScript or ONNX."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from iunet_med.cli.layout_option import TrustOption
from iunet_med.cli.terminal import clear_errors, messages


def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="`*.ts` for TorchScript, `*.onnx` for ONNX.")],
    bundle: Annotated[
        str, typer.Option(metavar="NAME", help="A bundle by the name in `iunet-med bundle`, or by its folder.")
    ],
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", exists=True, help="The weights, if not those of the bundle.")
    ] = None,
    size: Annotated[
        tuple[int, int, int],
        typer.Option(metavar="D H W", min=1, help="Image to compare with; the only size that an ONNX file takes."),
    ] = (128, 128, 128),
    trust: TrustOption = False,
) -> None:
    """Export a bundle's network with its weights, and compare the file's results with the network's.

    The file appears only if both agree. MONAI's verbs `ckpt_export` and `onnx_export` do the export. ONNX needs the
    extra `onnx`.

    Example: `iunet-med export model.ts --bundle iunet_brats_mri`
    """
    with clear_errors():
        from iunet_med.export import export_network

        difference = export_network(out, bundle, size=size, checkpoint=checkpoint, trust=trust)
        messages.print(f"{escape(str(out))} computes the same to {difference:.1g}.", highlight=False, soft_wrap=True)
