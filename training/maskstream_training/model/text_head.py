"""Probability of each noun at every pixel, on the encoder's features."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .encoder import C4, C8, EMB
from .layers import PlainResidual, conv_relu


class TextHead(nn.Module):
    """emb [B,192,24,24], f8 [B,64,48,48], f4 [B,32,96,96] -> logits (at export: probabilities) [B,nouns,96,96]."""

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
        logits = self.nouns(self.mix4(F.relu(up(x) + self.image4(f4))))
        return torch.sigmoid(logits) if torch.onnx.is_in_onnx_export() else logits
