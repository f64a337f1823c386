"""The two networks behind one interface for evaluation."""
import pathlib

import torch
import torch.nn.functional as F
from torch import Tensor

from ..model.decoder import FINE, POINTS, SLOTS, Decoder
from ..model.encoder import SIZE, Encoder
from ..model.weights import load_weights
from .clips import HEIGHT, WIDTH


class Network:
    def __init__(self, folder: pathlib.Path, device: torch.device):
        self.device = device
        self.encoder, self.decoder = Encoder(), Decoder()
        load_weights(folder / "encoder.pt", self.encoder)
        load_weights(folder / "decoder.pt", self.decoder)
        self.encoder.to(device).eval()
        self.decoder.to(device).eval()

    def _precision(self):
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda")

    @torch.no_grad()
    def encode(self, images: Tensor, batch: int = 32) -> list:
        """u8[f,h,w,3] -> emb, f8, f4 of every frame, stored in fp16 on a GPU."""
        store = torch.float16 if self.device.type == "cuda" else torch.float32
        parts = []
        for i in range(0, len(images), batch):
            x = images[i:i + batch].to(self.device).permute(0, 3, 1, 2).float()
            with self._precision():
                parts.append([f.to(store) for f in self.encoder(F.interpolate(x, size=(SIZE, SIZE), mode="bilinear", align_corners=False))])
        return [torch.cat(p) for p in zip(*parts)]

    @torch.no_grad()
    def encode_square(self, images: Tensor) -> list:
        """[B,3,384,384] in 0..255 -> features."""
        with self._precision():
            return list(self.encoder(images))

    @torch.no_grad()
    def decode(self, features, points, labels, mask=None, has_mask=None, memory=None):
        count, zeros = len(points), lambda *s: torch.zeros(*s, device=self.device)
        mask, has_mask = (zeros(count, 1, FINE, FINE), zeros(count)) if mask is None else (mask, has_mask)
        if memory is None:
            memory = features[0].float().unsqueeze(1).expand(-1, SLOTS, -1, -1, -1), zeros(count, SLOTS, 1, FINE, FINE), zeros(count, SLOTS)
        with self._precision():
            logits, score, present = self.decoder(*[f.float() for f in features], points, labels, mask, has_mask, *memory)
        return logits.float(), score, present[:, 0]

    def empty_points(self, count: int) -> tuple[Tensor, Tensor]:
        return torch.zeros(count, POINTS, 2, device=self.device), torch.full((count, POINTS), -1., device=self.device)


def to_frame(logits: Tensor) -> Tensor:
    return F.interpolate(logits, size=(HEIGHT, WIDTH), mode="bilinear", align_corners=False)


def to_fine(mask: Tensor) -> Tensor:
    return F.interpolate(mask.float(), size=(FINE, FINE), mode="area")


def box_of(mask: Tensor) -> tuple[Tensor, Tensor]:
    """bool [B,h,w] -> box [B,4] in 0..1, and whether there is one."""
    height, width = mask.shape[-2:]
    xs, ys = mask.any(1).float(), mask.any(2).float()
    box = torch.stack([xs.argmax(1) / width, ys.argmax(1) / height, 1 - xs.flip(1).argmax(1) / width, 1 - ys.flip(1).argmax(1) / height], 1)
    return box, mask.flatten(1).any(1)
