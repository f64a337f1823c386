"""Corruptions made on the training device: wrong masks, light, occluders. All sizes are fractions of the crop."""
import torch
import torch.nn.functional as F


def each(x):
    """[B] -> [B, 1, 1, 1]."""
    return x.view(-1, 1, 1, 1)


def noise_map(count, cells, size, device, channels=1):
    """Smooth noise [count, channels, size, size] of about unit variance."""
    grid = torch.randn(count, channels, cells, cells, device=device)
    return F.interpolate(grid, size=(size, size), mode='bilinear', align_corners=False)


def corrupt_mask(mask, strength=None):
    """mask [B, 1, S, S] -> the kind of wrong mask a decoder or a bad flow leaves: moved, bent, grown, eaten, with holes.

    `strength` [B], 1 by default; 0.25 is a decoder on a good day.
    """
    count, size, device = len(mask), mask.shape[-1], mask.device
    rand = lambda *shape: torch.rand(*shape, device=device)
    strength = torch.ones(count, device=device) if strength is None else strength
    amount = rand(count) * strength
    scale = torch.exp(torch.randn(count, device=device) * 0.08 * amount)
    angle = torch.randn(count, device=device) * 0.10 * amount
    shift = torch.randn(count, 2, device=device) * (0.05 * amount)[:, None]
    c, s = torch.cos(angle) * scale, torch.sin(angle) * scale
    matrix = torch.stack([torch.stack([c, -s, shift[:, 0]], 1), torch.stack([s, c, shift[:, 1]], 1)], 1)
    grid = F.affine_grid(matrix, list(mask.shape), align_corners=False)
    bend = noise_map(count, 4, size, device, 2) * each(0.06 * amount) + noise_map(count, 14, size, device, 2) * each(0.035 * rand(count) * amount)
    moved = F.grid_sample(mask, (grid + bend.permute(0, 2, 3, 1)).to(mask.dtype), align_corners=False)
    spread = F.avg_pool2d(F.avg_pool2d(moved, 7, 1, 3), 7, 1, 3)
    regrown = torch.sigmoid((spread - each(0.5 + (rand(count) - 0.5) * 0.8 * strength)) * each(6 + 40 * rand(count)))
    moved = torch.where(each(rand(count)) < 0.6, regrown, moved)
    eaten = (noise_map(count, 6, size, device) > 0.75) & (each(rand(count) < 0.35 * strength ** 2))
    moved = torch.where(eaten, torch.zeros_like(moved), moved)
    near = F.max_pool2d(moved, 17, 1, 8) > 0.5
    leaked = (noise_map(count, 6, size, device) > 0.75) & near & (each(rand(count) < 0.35 * strength ** 2))
    moved = torch.where(leaked, torch.ones_like(moved), moved)
    return F.avg_pool2d(moved, 3, 1, 1).clamp(0, 1)


def occluder(count, size, device):
    """Soft masks [count, 1, size, size] of something in front: a blob or a bar anywhere in the crop, at times all of it."""
    rand = lambda: torch.rand(count, device=device)
    axis = (torch.arange(size, device=device) + 0.5) / size - 0.5
    x = axis.view(1, 1, -1) - (rand() * 0.9 - 0.45).view(-1, 1, 1)
    y = axis.view(1, -1, 1) - (rand() * 0.9 - 0.45).view(-1, 1, 1)
    turn = (rand() * 6.283).view(-1, 1, 1)
    u, v = x * torch.cos(turn) + y * torch.sin(turn), y * torch.cos(turn) - x * torch.sin(turn)
    long = torch.where(rand() < 0.35, torch.full_like(rand(), 2.0), 0.05 + 0.35 * rand()).view(-1, 1, 1)
    short = torch.where(rand() < 0.07, torch.full_like(rand(), 3.0), 0.02 + 0.25 * rand() ** 2).view(-1, 1, 1)
    radius = torch.sqrt((u / long) ** 2 + (v / short) ** 2) + noise_map(count, 6, size, device)[:, 0] * 0.15
    return ((1 - radius) * 12 + 0.5).clamp(0, 1).unsqueeze(1)


def twin(crop, target, device):
    """(crop, target) with a copy of the object beside it: the neighbour of the same kind. A third of them lie in front."""
    count = len(crop)
    rand = lambda: torch.rand(count, device=device)
    scale, flip = torch.exp((rand() - 0.5) * 0.4), torch.where(rand() < 0.5, -1.0, 1.0)
    turn, reach = rand() * 6.283, 0.35 + 0.65 * rand()
    zero = torch.zeros_like(scale)
    rows = [torch.stack([scale * flip, zero, torch.cos(turn) * reach], 1), torch.stack([zero, scale, torch.sin(turn) * reach], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(crop.shape), align_corners=False)
    copy = F.grid_sample(crop, grid, align_corners=False) + each(torch.randn(count, device=device) * 8)
    front = F.grid_sample(target, grid, align_corners=False)
    covers = each(rand() < 0.33)
    front = torch.where(covers, front, front * (1 - target))
    return torch.lerp(crop, copy, front), torch.where(covers, target * (1 - front), target)


def hue_turn(count, device, share):
    """Colour matrices [count, 3, 3]: for `share` of them a turn about the grey axis, for a fifth of those grey alone."""
    some = torch.rand(count, device=device) < share
    angle = torch.rand(count, device=device) * 6.283 * some
    c, s = torch.cos(angle), torch.sin(angle) / 3 ** 0.5
    same, after, before = (1 + 2 * c) / 3, (1 - c) / 3 - s, (1 - c) / 3 + s
    rows = [torch.stack(r, 1) for r in ((same, after, before), (before, same, after), (after, before, same))]
    grey = each(some & (torch.rand(count, device=device) < 0.2))[:, 0]
    return torch.where(grey, torch.full((3, 3), 1 / 3, device=device), torch.stack(rows, 1))


class Light:
    """A colour change per sample: x -> matrix x + offset. `wild` of them also get another hue or lose their colours."""

    def __init__(self, count, device, amount=1.0, wild=0.0):
        randn = lambda *shape: torch.randn(*shape, device=device) * amount
        saturation = torch.exp(randn(count, 1, 1) * 0.25).clamp(0.1, 2)
        matrix = torch.eye(3, device=device) + randn(count, 3, 3) * 0.05
        matrix = saturation * matrix + (1 - saturation) * matrix.mean(1, keepdim=True)
        matrix = torch.matmul(hue_turn(count, device, wild), matrix)
        self.matrix = matrix * torch.exp(randn(count, 1, 1) * 0.2)
        self.offset = randn(count, 3, 1) * 5 + randn(count, 1, 1) * 18 + 120 - 120 * self.matrix.sum(2, keepdim=True)

    def apply(self, image):
        """image [B, 3, H, W] in 0..255."""
        changed = torch.baddbmm(self.offset.to(image.dtype), self.matrix.to(image.dtype), image.flatten(2))
        return changed.view_as(image).clamp(0, 255)
