"""Image encoder: convolutions to stride 16, four attention blocks at stride 32, one lateral step back to stride 16."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .layers import Residual, TransformerBlock, conv_bn

SIZE = 384          # the square every frame is stretched to
EMB, C8, C4 = 192, 64, 32
MEAN = (123.675, 116.28, 103.53)
STD = (58.395, 57.12, 57.375)


class Encoder(nn.Module):
    """image f32[B,3,384,384] RGB 0..255 -> emb [B,192,24,24], f8 [B,64,48,48], f4 [B,32,96,96]; 6.9 M parameters, 8.6 GFLOP."""

    def __init__(self, widths: tuple = (32, 64, 128, 224), depths: tuple = (2, 3, 4), top: int = 256, blocks: int = 4, size: int = SIZE):
        super().__init__()
        self.size = size
        self.checkpointed = False   # in training, keep the stages' inputs only and compute the rest again on the way back
        w0, w1, w2, w3 = widths
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        # The order of these attributes is the order of a stored checkpoint: weights.load_ordered relies on it.
        self.position = nn.Parameter(torch.randn(1, (size // 32) ** 2, top) * 0.02)
        self.stem = nn.Sequential(conv_bn(3, w0, 3, 2), conv_bn(w0, w1, 3, 2))
        self.stage4 = nn.Sequential(*[Residual(w1, w1 // 2 + 8) for _ in range(depths[0])])
        self.stage8 = nn.Sequential(conv_bn(w1, w2, 3, 2), *[Residual(w2, w2 // 2) for _ in range(depths[1])])
        self.stage16 = nn.Sequential(conv_bn(w2, w3, 3, 2), *[Residual(w3, w3 // 2) for _ in range(depths[2])])
        self.down32 = conv_bn(w3, top, 3, 2, relu=False)
        self.blocks = nn.ModuleList(TransformerBlock((size // 32) ** 2, top, top // 32, 4) for _ in range(blocks))
        self.norm = nn.LayerNorm(top)
        self.top = nn.Conv2d(top, EMB, 1)
        self.lateral = conv_bn(w3, EMB, 1, relu=False)
        self.fuse = nn.Sequential(Residual(EMB, EMB // 2), nn.Conv2d(EMB, EMB, 1, bias=False), nn.BatchNorm2d(EMB))
        self.out8 = conv_bn(w2, C8, 1, relu=False)
        self.out4 = conv_bn(w1, C4, 1, relu=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = (image - self.mean) / self.std
        if not torch.onnx.is_in_onnx_export():
            x = x.contiguous(memory_format=torch.channels_last)
        run = self._again if self.checkpointed and self.training else lambda module, value: module(value)
        x4 = run(self.stage4, run(self.stem, x))
        return self.up_from(x4, run)

    def up_from(self, x4: Tensor, run) -> tuple[Tensor, Tensor, Tensor]:
        """The features from those at stride 4; `run` calls a module."""
        x8 = run(self.stage8, x4)
        x16 = run(self.stage16, x8)
        x32 = self.down32(x16)
        tokens = x32.flatten(2).transpose(1, 2) + self.position
        for block in self.blocks:
            tokens = run(block, tokens)
        x32 = self.norm(tokens).transpose(1, 2).reshape(-1, self.top.in_channels, self.size // 32, self.size // 32)
        up = F.interpolate(self.top(x32), scale_factor=2, mode="bilinear", align_corners=False)
        return self.fuse(F.relu(up + self.lateral(x16))), self.out8(x8), self.out4(x4)

    def _again(self, module: nn.Module, value: Tensor) -> Tensor:
        """Gradient checkpointing. Batch norms see a batch twice, which their running statistics, a mean over many, do not mind."""
        return checkpoint(module, value, use_reentrant=False)
