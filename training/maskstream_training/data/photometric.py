"""Colour, blur, noise and compression, made on the device."""
import math

import torch
import torch.nn.functional as F
from torch import Tensor

LUMA = [[16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99]]


def colour(images: Tensor, amount: float, views: int = 1) -> Tensor:
    """Random colour matrix, contrast, saturation and brightness of [views*P,3,h,w]; one draw for all views of a sequence."""
    count, device = images.shape[0] // views, images.device
    matrix = torch.eye(3, device=device) + torch.randn(count, 3, 3, device=device) * (.05 * amount)
    gray = (torch.rand(count, device=device) < .04).float().view(-1, 1, 1)
    matrix = matrix * (1 - gray) + gray / 3
    contrast = torch.exp(torch.randn(count, device=device) * .22 * amount).view(-1, 1, 1)
    saturation = torch.exp(torch.randn(count, device=device) * .3 * amount).clamp(.2, 2).view(-1, 1, 1)
    matrix = contrast * (saturation * matrix + (1 - saturation) * matrix.mean(1, keepdim=True))
    shift = (torch.randn(count, 1, device=device) * 22 + torch.randn(count, 3, device=device) * 6) * amount
    offset = (shift + 120 - 120 * matrix.sum(2)).unsqueeze(2)
    matrix, offset = matrix.repeat(views, 1, 1).to(images.dtype), offset.repeat(views, 1, 1).to(images.dtype)
    return torch.baddbmm(offset, matrix, images.flatten(2)).view_as(images).clamp(0, 255)


POOR = .35                      # of sequences
POOR_SIDES = (96, 128, 176, 256)   # pixels that a poor picture had
GRAY, FLAT, FOG = .35, .35, .3     # of poor sequences


def poor_film(images: Tensor, views: int) -> Tensor:
    """A share of the sequences as small old films show them: few pixels, often grey, flat or in fog. [views*P,3,h,w] in 0..255."""
    count, device, size = images.shape[0] // views, images.device, images.shape[-1]
    per_view = lambda t: t.repeat(views, *[1] * (t.ndim - 1)).to(images.dtype)
    uniform = lambda *shape: torch.rand(*shape, device=device)
    order = torch.randperm(count, device=device)[:int(count * POOR)]
    for side, some in zip(POOR_SIDES, order.chunk(len(POOR_SIDES))):
        rows = (torch.arange(views, device=device).view(-1, 1) * count + some).flatten()
        small = F.interpolate(images[rows], size=(side, side), mode="area")
        images = images.index_copy(0, rows, F.interpolate(small, size=(size, size), mode="bilinear", align_corners=False))
    poor = torch.zeros(count, dtype=torch.bool, device=device).index_fill(0, order, True)
    chosen = lambda share: (poor & (uniform(count) < share)).float().view(-1, 1, 1, 1)
    gray = per_view(chosen(GRAY))
    images = torch.lerp(images, images.mean(1, keepdim=True).expand_as(images), gray)
    contrast = per_view(1 - chosen(FLAT) * (.25 + .45 * uniform(count, 1, 1, 1)))
    level = per_view(80 + 110 * uniform(count, 1, 1, 1))
    images = (images - level) * contrast + level
    # Fog is denser towards the top, where a scene is farther.
    height = torch.linspace(1, -1, images.shape[2], device=device).view(1, 1, -1, 1)
    density = chosen(FOG) * (.25 + .4 * uniform(count, 1, 1, 1) + .2 * uniform(count, 1, 1, 1) * height)
    mist = per_view(150 + 80 * uniform(count, 1, 1, 1))
    return torch.lerp(images, mist.expand_as(images), per_view(density)).clamp(0, 255)


def degrade(images: Tensor) -> Tensor:
    """Gamma, defocus, motion blur on a fifth, noise, JPEG on a quarter."""
    count, _, height, width = images.shape
    device, dtype = images.device, images.dtype
    uniform = lambda: torch.rand(count, device=device).view(-1, 1, 1, 1).to(dtype)
    gamma = torch.exp(torch.randn(count, device=device) * .25).view(-1, 1, 1, 1).to(dtype)
    images = ((images / 255).clamp(1e-3, 1) ** gamma) * 255
    soft = F.interpolate(F.avg_pool2d(images, 2), size=(height, width), mode="bilinear", align_corners=False)
    images = torch.lerp(images, soft, (uniform() < .35).to(dtype) * uniform())
    tenth, quarter = max(1, count // 10), max(1, count // 4)
    chosen = torch.randperm(count, device=device)[:2 * tenth]
    across = F.avg_pool2d(images[chosen[:tenth]], (1, 7), 1, (0, 3))
    down = F.avg_pool2d(images[chosen[tenth:]], (5, 1), 1, (2, 0))
    images = images.index_copy(0, chosen, torch.cat([across, down]))
    noise = torch.randn(count, 1, height, width, device=device, dtype=dtype)
    images = images + noise * (uniform() ** 2 * 12)
    chosen = torch.randperm(count, device=device)[:quarter]
    return images.index_copy(0, chosen, jpeg(images[chosen])).clamp(0, 255)


def jpeg(images: Tensor) -> Tensor:
    """Quantise 8x8 DCT blocks with a random strength."""
    count, _, height, width = images.shape
    k = torch.arange(8, device=images.device).float()
    dct = torch.cos(math.pi * (2 * k[None] + 1) * k[:, None] / 16) * math.sqrt(2 / 8)
    dct[0] *= math.sqrt(.5)
    strength = torch.exp(torch.rand(count, device=images.device) * 2.2 - 1.2).view(-1, 1, 1, 1, 1, 1)
    table = (torch.tensor(LUMA, device=images.device).float() * strength).clamp(min=1)
    blocks = images.float().view(count, 3, height // 8, 8, width // 8, 8).permute(0, 1, 2, 4, 3, 5)
    blocks = dct.T @ (torch.round(dct @ (blocks - 128) @ dct.T / table) * table) @ dct + 128
    return blocks.permute(0, 1, 2, 4, 3, 5).reshape(count, 3, height, width).to(images.dtype)
