"""Both text heads as one."""
import torch
from torch import Tensor, nn

from .area_head import AreaHead
from .head import TextHead

#: Keeps the logit of a mean finite; far below a step of what is stored or drawn.
EDGE = 1e-6


class JointHead(nn.Module):
    """The mean of both heads' probabilities of each noun, and the border of the one that knows it; shapes as in TextHead.

    The heads err on different pixels: they learned with other losses from other samples of the same pictures.
    """

    def __init__(self, nouns: int):
        super().__init__()
        self.parts, self.areas = TextHead(nouns), AreaHead(nouns)

    def forward(self, emb: Tensor, f8: Tensor, f4: Tensor) -> Tensor:
        exporting = torch.onnx.is_in_onnx_export()
        parts = self.parts(emb, f8, f4)
        parts = parts if exporting else torch.sigmoid(parts)
        nouns = (parts[:, :-1] + torch.sigmoid(self.areas(emb, f8, f4))) / 2
        mean = torch.cat([nouns, parts[:, -1:]], 1)
        return mean if exporting else torch.logit(mean, EDGE)
