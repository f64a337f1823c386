"""The second text head, trained for areas alone: it knows no borders, and draws large and sharp-edged things better than `head.py`."""
import torch.nn.functional as F
from torch import Tensor, nn

from ..model.encoder import C4, C8, EMB
from ..model.layers import PlainResidual, conv_relu


class AreaHead(nn.Module):
    """emb [B,192,24,24], f8 [B,64,48,48], f4 [B,32,96,96] -> logits [B,nouns,96,96]. 0.42 M parameters; RUNS.md, run 7."""

    def __init__(self, nouns: int, width: int = 96, fine: int = 64):
        super().__init__()
        self.emb, self.context = nn.Conv2d(EMB, width, 1), nn.Sequential(PlainResidual(width), PlainResidual(width))
        self.image8, self.mix8 = nn.Conv2d(C8, width, 1), conv_relu(width, fine)
        self.image4, self.mix4 = nn.Conv2d(C4, fine, 1), conv_relu(fine, fine, 1)
        self.nouns = nn.Conv2d(fine, nouns, 1)
        nn.init.constant_(self.nouns.bias, -3.)

    def forward(self, emb: Tensor, f8: Tensor, f4: Tensor) -> Tensor:
        up = lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = self.context(F.relu(self.emb(emb)))
        x = self.mix8(F.relu(up(x) + self.image8(f8)))
        return self.nouns(self.mix4(F.relu(up(x) + self.image4(f4))))
