"""Promptable mask decoder: points, a box, a prior mask and a bank of remembered frames -> three masks with scores."""
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .encoder import C4, C8, EMB, SIZE
from .layers import CrossAttention, PlainResidual, TransformerBlock, TwoWayBlock, attention, conv_relu, mlp

POINTS = 10          # slots 0 and 1 hold the box corners
SLOTS = 2            # remembered frames: slot 0 is the prompt frame, slot 1 a recent good keyframe
MASKS = 3            # 0: the answer where the prompt is clear; 1: part; 2: whole
CLICK_SIGMA = 0.018  # of the drawn clicks, in sides of the square
GRID, FINE = SIZE // 16, SIZE // 4


class PromptDrawing(nn.Module):
    """Draws prompts as planes at stride 4, so that convolutions see them in place, and as tokens (Fourier positions).

    points [N,10,2] in 0..1, labels [N,10] (-1 pad, 0 negative, 1 positive, 2 box top-left, 3 bottom-right)
    -> positive, negative and box planes [N,1,96,96] each, tokens [N,10,width].
    """

    def __init__(self, width: int):
        super().__init__()
        self.register_buffer("frequencies", torch.randn(2, width // 2) * 1.5)
        self.kinds = nn.Parameter(torch.randn(5, width) * 0.3)
        axis = (torch.arange(FINE) + 0.5) / FINE
        self.register_buffer("x", axis.view(1, 1, 1, FINE), persistent=False)
        self.register_buffer("y", axis.view(1, 1, FINE, 1), persistent=False)
        cell = (torch.arange(GRID) + 0.5) / GRID
        cells = torch.stack([cell.view(1, -1).expand(GRID, -1), cell.view(-1, 1).expand(-1, GRID)], -1)
        self.register_buffer("cells", cells.reshape(1, -1, 2), persistent=False)

    def position(self, xy: Tensor) -> Tensor:
        """xy [...,2] in 0..1 -> [...,width]."""
        angle = (2 * xy - 1) @ self.frequencies * (2 * math.pi)
        return torch.cat([angle.sin(), angle.cos()], -1)

    def forward(self, points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        px, py = points[..., 0:1].unsqueeze(-1), points[..., 1:2].unsqueeze(-1)
        # A Gaussian is separable: the product of two 96-vectors instead of 9,216 exponentials a point.
        spread = -1 / (2 * CLICK_SIGMA ** 2)
        drawn = torch.exp((self.x - px) ** 2 * spread) * torch.exp((self.y - py) ** 2 * spread)
        is_positive = (labels == 1).to(points.dtype)[..., None, None]
        is_negative = (labels == 0).to(points.dtype)[..., None, None]
        positive = (drawn * is_positive).amax(1, keepdim=True)
        negative = (drawn * is_negative).amax(1, keepdim=True)
        inside_x = ((self.x - px[:, 0:1]) * FINE + 0.5).clamp(0, 1) * ((px[:, 1:2] - self.x) * FINE + 0.5).clamp(0, 1)
        inside_y = ((self.y - py[:, 0:1]) * FINE + 0.5).clamp(0, 1) * ((py[:, 1:2] - self.y) * FINE + 0.5).clamp(0, 1)
        box = inside_x * inside_y * (labels[:, 0:1] == 2).to(points.dtype)[..., None, None]
        kind = torch.stack([labels == i - 1 for i in range(5)], -1).to(points.dtype) @ self.kinds
        return positive, negative, box, self.position(points) * (labels >= 0).to(points.dtype)[..., None] + kind


class MemoryRead(nn.Module):
    """Cosine matching of the frame with remembered frames; what is read is their features and masks.

    emb [N or 1,192,24,24], mem_emb [N,M,192,24,24], mem_mask [N,M,1,96,96], mem_valid [N,M] -> [N,576,width].
    Query and key share one projection, so like finds like (as in STCN, Cheng et al. 2021).
    """

    def __init__(self, width: int, key: int, heads: int):
        super().__init__()
        self.heads, self.key_width = heads, key
        self.key = nn.Linear(EMB, key)
        self.value = nn.Linear(EMB, width)
        self.mask = nn.Sequential(nn.Conv2d(1, 32, 4, 4), nn.ReLU(), nn.Conv2d(32, width, 1))
        self.out = nn.Linear(width, width)
        self.temperature = nn.Parameter(torch.tensor(2.3))
        self.slot = nn.Parameter(torch.zeros(SLOTS, width))
        self.slot_bias = nn.Parameter(torch.zeros(SLOTS))
        self.nothing = nn.Parameter(torch.zeros(width))

    def unit(self, tokens: Tensor) -> Tensor:
        """tokens [B,n,192] -> unit vectors [B,heads,n,key/heads]."""
        k = self.key(tokens).reshape(-1, tokens.shape[1], self.heads, self.key_width // self.heads).transpose(1, 2)
        return k / k.float().pow(2).sum(-1, keepdim=True).add(1e-6).sqrt().to(k.dtype)

    def forward(self, tokens: Tensor, mem_emb: Tensor, mem_mask: Tensor, mem_valid: Tensor) -> Tensor:
        slots, cells, width = SLOTS, GRID * GRID, self.out.in_features
        remembered = mem_emb.reshape(-1, EMB, cells).transpose(1, 2)
        marks = self.mask(mem_mask.reshape(-1, 1, FINE, FINE) * 2 - 1).flatten(2).transpose(1, 2)
        value = (self.value(remembered) + marks).reshape(-1, slots, cells, width) + self.slot.view(1, slots, 1, width).to(marks.dtype)
        value = value.reshape(-1, slots * cells, self.heads, width // self.heads).transpose(1, 2)
        # The bias that closes empty slots travels as one more channel of the key (query channel 1): adding a
        # [576, 1152] bias to every score costs as much as the softmax.
        key = self.unit(remembered.reshape(-1, slots * cells, EMB))
        closed = ((mem_valid - 1) * 1e4 + self.slot_bias).to(key.dtype).reshape(-1, 1, slots, 1, 1)
        closed = closed.expand(-1, self.heads, slots, cells, 1).reshape(-1, self.heads, slots * cells, 1)
        query = self.unit(tokens) * self.temperature.exp().to(key.dtype)
        query = F.pad(query, (0, 1), value=1.0)
        if not torch.onnx.is_in_onnx_export() and query.shape[0] != key.shape[0]:
            query = query.expand(key.shape[0], -1, -1, -1)
        read = attention(query, torch.cat([key, closed], -1), value, None, 1.0).transpose(1, 2).reshape(-1, cells, width)
        known = mem_valid.amax(1).view(-1, 1, 1).to(read.dtype)
        return self.out(read) * known + self.nothing * (1 - known)


class Decoder(nn.Module):
    """See forward; 0.9 M parameters, about 1.1 GFLOP an object."""

    def __init__(self, width: int = 128, heads: int = 4, key: int = 62, memory_heads: int = 2, c8: int = 32, c4: int = 16):
        super().__init__()
        self.prompts = PromptDrawing(width)
        self.outputs = nn.Parameter(torch.randn(2 + MASKS, width) * 0.3)
        self.draw4 = conv_relu(5, 16)
        self.draw8 = conv_relu(16, 32, 3, 2)
        self.draw16 = nn.Conv2d(32, width, 3, 2, 1)
        self.emb = nn.Linear(EMB, width)
        self.memory = MemoryRead(width, key, memory_heads)
        self.block = TransformerBlock(GRID * GRID, width, heads, 2)
        self.norm = nn.LayerNorm(width)
        self.two_way = nn.ModuleList(TwoWayBlock(width, heads, 2 * width) for _ in range(2))
        self.final = CrossAttention(width, heads, width // 2)
        self.final_norm = nn.LayerNorm(width)
        self.up8 = nn.ConvTranspose2d(width, c8, 2, 2)
        self.image8, self.prompt8 = nn.Conv2d(C8, c8, 1), nn.Conv2d(32, c8, 1)
        self.refine8 = PlainResidual(c8)
        self.up4 = nn.ConvTranspose2d(c8, c4, 2, 2)
        self.image4, self.prompt4 = nn.Conv2d(C4, c4, 1), nn.Conv2d(16, c4, 1)
        self.refine4 = PlainResidual(c4)
        self.kernels = nn.ModuleList(mlp(width, width, c4) for _ in range(MASKS))
        self.score = mlp(width, width, MASKS)
        self.present = mlp(width, width // 2, 1)

    def forward(self, emb: Tensor, f8: Tensor, f4: Tensor, points: Tensor, labels: Tensor, mask: Tensor, has_mask: Tensor,
                mem_emb: Tensor, mem_mask: Tensor, mem_valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """emb, f8, f4 of one frame (batch 1, shared by N objects) or of N frames.

        mask [N,1,96,96] probability, has_mask [N]; memory as in MemoryRead.
        -> logits [N,3,96,96], predicted IoU [N,3], object-present logit [N,1].
        """
        with torch.autocast(device_type=emb.device.type, enabled=False):  # positions need full precision
            positive, negative, box, prompt_tokens = self.prompts(points.float(), labels.float())
            given = has_mask.float().view(-1, 1, 1, 1)
            planes = torch.cat([(mask.float() * 2 - 1) * given, given.expand_as(positive), positive, negative, box], 1)
            image_position = self.prompts.position(self.prompts.cells)
        if not torch.onnx.is_in_onnx_export():
            planes = planes.contiguous(memory_format=torch.channels_last)
        drawn4 = self.draw4(planes)
        drawn8 = self.draw8(drawn4)
        drawn16 = self.draw16(drawn8).flatten(2).transpose(1, 2)

        frame = emb.flatten(2).transpose(1, 2)
        image = self.emb(frame) + image_position.to(drawn16.dtype) + drawn16 + self.memory(frame, mem_emb, mem_mask, mem_valid)
        image = self.norm(self.block(image))

        tokens = torch.cat([self.outputs + prompt_tokens[:, :1] * 0, prompt_tokens], 1)  # "* 0" broadcasts over N
        queries = tokens
        for block in self.two_way:
            queries, image = block(queries, image, tokens, image_position)
        queries = self.final_norm(queries + self.final(queries + tokens, image + image_position, image))

        x = image.transpose(1, 2).reshape(-1, image.shape[2], GRID, GRID)
        x = self.refine8(F.relu(self.up8(x) + self.image8(f8) + self.prompt8(drawn8)))
        x = self.refine4(F.relu(self.up4(x) + self.image4(f4) + self.prompt4(drawn4)))
        kernels = torch.stack([head(queries[:, 2 + i]) for i, head in enumerate(self.kernels)], 1)
        logits = torch.matmul(kernels, x.flatten(2)).reshape(-1, MASKS, FINE, FINE)
        return logits, torch.sigmoid(self.score(queries[:, 1]).float()), self.present(queries[:, 0]).float()
