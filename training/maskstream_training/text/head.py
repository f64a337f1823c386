"""Probability of each noun, and of a border between two of a kind, at every pixel, on the encoder's features."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..model.encoder import C4, C8, EMB
from ..model.layers import PlainResidual, conv_relu


class TextHead(nn.Module):
    """emb [B,192,24,24], f8 [B,64,48,48], f4 [B,32,96,96] -> logits (at export: probabilities) [B,nouns+1,96,96]; the border is last."""

    def __init__(self, nouns: int, width: int = 144, fine: int = 80):
        super().__init__()
        self.emb, self.context = nn.Conv2d(EMB, width, 1), nn.Sequential(*[PlainResidual(width) for _ in range(3)])
        self.scene = nn.Conv2d(width, width, 1)
        self.image8, self.mix8 = nn.Conv2d(C8, width, 1), nn.Sequential(conv_relu(width, fine), PlainResidual(fine))
        self.image4, self.mix4 = nn.Conv2d(C4, fine, 1), conv_relu(fine, fine)
        self.nouns = nn.Conv2d(fine, nouns + 1, 1)
        nn.init.constant_(self.nouns.bias, -3.)

    def forward(self, emb: Tensor, f8: Tensor, f4: Tensor) -> Tensor:
        up = lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = self.context(F.relu(self.emb(emb)))
        # What the whole picture shows (a street, a studio) tells a skirt from a sign.
        x = x + self.scene(x.mean((2, 3), keepdim=True))
        x = self.mix8(F.relu(up(x) + self.image8(f8)))
        logits = self.nouns(self.mix4(F.relu(up(x) + self.image4(f4))))
        return torch.sigmoid(logits) if torch.onnx.is_in_onnx_export() else logits
