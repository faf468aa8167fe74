"""For the environment of MONAI Label: lets torchvision be imported beside a build of torch that it was not made for.

Its compiled operators then cannot be loaded, and its import fails as it describes two of them; nothing here calls them.
`make monai-label-test` copies this file to where Python runs it at its start, if torchvision cannot be imported.
"""

import torch

library = torch.library.Library("torchvision", "FRAGMENT")
library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
