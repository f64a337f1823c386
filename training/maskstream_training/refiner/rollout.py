"""Tracks that live on the training device: exactly what the tracker does, on many clips at once.

A pool of tracks advances by one frame a training step: warp by the precomputed flow, crop, refine, paste back. The
refiner's own output is what is warped next for part of the tracks, the bare warped mask for the others, so it is
trained on chains of its own mistakes, of flow's and of both. Tracks are restarted group by group, with a true mask, one as
a decoder leaves it or a wrong one, so that ages 1 .. GROUPS are seen equally often.
"""
from typing import NamedTuple

import numpy as np
import torch

from .augment import Light, corrupt_mask, each, occluder, twin
from .geometry import ANALYSIS_HEIGHT, ANALYSIS_WIDTH, Window, crop_image, crop_mask, logit_of, paste, warp
from .motion import follow_object, grey_at_flow

GROUPS = 12
DAVIS_SHARE = 0.4
FOLLOW_SHARE = 0.7
"""Tracks warped with the object's own motion (motion.py), the others with bare flow."""
BAD_START_SHARE, MILD_START_SHARE, MILD = 0.12, 0.5, 0.25
BAD_PRIOR_SHARE = 0.05
OCCLUDER_SHARE, TWIN_SHARE = 0.1, 0.12
CAMOUFLAGE_SHARE, TINT_SHARE, NEW_BACK_SHARE = 0.25, 0.2, 0.12
WILD_LIGHT = 0.35
VISIBLE_PIXELS = 30.0
"""A start frame must show at least this much of the object, in analysis pixels."""


class Hardship(NamedTuple):
    """How hard a network's tracks are."""

    refined: float
    """Share of the tracks that always go on from the network's own output."""
    mixed: float
    """Share of those that do on every second frame; the rest follow flow alone."""
    missed: float = 0.0
    """Share of the steps in which flow misses the object: its mask stays where it was."""
    astray: float = 1.0
    """How far windows lie off the mask and how much their size is off, over what the refiner's do."""


CORRECTING = Hardship(0.7, 0.15)
"""The refiner's."""


class Clips:
    """The prepared arrays on a device; on the CPU they stay mapped files."""

    def __init__(self, folder, device):
        load = lambda name: torch.from_numpy(np.load(f'{folder}/{name}.npy', mmap_mode='c')).to(device)
        self.images, self.masks, self.flows = load('images'), load('masks'), load('flows')
        table = np.load(f'{folder}/sequences.npz')
        self.kind, self.names, self.engine = table['kind'], table['name'], table['engine']
        self.frames = torch.from_numpy(table['frames'].astype(np.int64)).to(device)
        self.length = torch.from_numpy(table['length'].astype(np.int64)).to(device)
        self.first_flow = torch.from_numpy(table['first_flow'].astype(np.int64)).to(device)
        self.device = device

    def image(self, sequence, time):
        """[B, 3, 252, 448] of frames `time` of the sequences, 0..255."""
        return self.images[self.frames[sequence, time]].float()

    def mask(self, sequence, time):
        """True masks [B, 1, 252, 448]."""
        return self.masks[self.frames[sequence, time]].unsqueeze(1).float()

    def flow(self, sequence, time):
        """Flow [B, 2, 144, 256] from frame `time` to the one before."""
        return self.flows[self.first_flow[sequence] + time - 1].float().permute(0, 3, 1, 2)

    def followed(self, sequence, time, mask):
        """The same flow with the object's own motion around `mask` [B, 1, 252, 448], its mask on the frame before."""
        before, now = (grey_at_flow(self.image(sequence, t)) for t in (time - 1, time))
        return follow_object(self.flow(sequence, time), mask, before, now)


def corrupt_start(mask, window, strength=None):
    """A wrong version of a true mask [B, 1, H, W], made inside its window."""
    prior = crop_mask(mask, window)
    return paste(mask, prior, logit_of(corrupt_mask(prior, strength)), window)


class Disguise:
    """What one group of tracks wears on all its frames: light, a tint of the object, another track's background.

    Flow was computed on the frames as they are, so priors stay real while looks vary: objects of the ground's colour, too.
    """

    def __init__(self, count, device):
        rand = lambda: torch.rand(count, device=device)
        self.light = Light(count, device, wild=WILD_LIGHT)
        self.new_back = (rand() < NEW_BACK_SHARE).nonzero()[:, 0]
        self.fade = torch.where(rand() < CAMOUFLAGE_SHARE, 0.3 + 0.7 * rand(), torch.zeros(count, device=device))
        self.tint = torch.randn(count, 3, 1, 1, device=device) * 25 * each(rand() < TINT_SHARE)
        self.measured = None

    def wear(self, crop, mask):
        """crop [B, 3, S, S] with the object under `mask` [B, 1, S, S] disguised; the first call measures the colours."""
        crop = self.light.apply(crop)
        some = self.new_back
        if len(some):
            crop[some] = torch.lerp(crop[(some + 1) % len(crop)], crop[some], mask[some])
        if self.measured is None:
            mean = lambda w: (crop * w).sum((2, 3), keepdim=True) / (w.sum((2, 3), keepdim=True) + 1)
            self.measured = self.tint + (mean(1 - mask) - mean(mask)) * each(self.fade)
        return (crop + mask * self.measured).clamp(0, 255)


class Tracks:
    """The pool. `step` gives one batch; `feed` takes the refiner's output back."""

    def __init__(self, clips, count, kinds, framing, hardship=CORRECTING):
        """`kinds` = (DAVIS training id, synthetic id); count must be a multiple of GROUPS."""
        self.clips, self.count, self.size, self.framing, self.hardship = clips, count, count // GROUPS, framing, hardship
        device = self.device = clips.device
        long_enough = clips.length.cpu().numpy() > GROUPS
        self.weights = [torch.from_numpy(((clips.kind == k) & long_enough).astype(np.float32)).to(device) for k in kinds]
        self.sequence = torch.zeros(count, dtype=torch.long, device=device)
        self.time = torch.zeros(count, dtype=torch.long, device=device)
        self.mask = torch.zeros(count, 1, ANALYSIS_HEIGHT, ANALYSIS_WIDTH, device=device)
        self.key_crop = torch.zeros(count, 3, framing.crop, framing.crop, device=device)
        self.key_prior = torch.zeros(count, 1, framing.crop, framing.crop, device=device)
        self.disguises = [None] * GROUPS
        place = torch.arange(count, device=device)
        self.follows = (place * 7 % 10 < FOLLOW_SHARE * 10).nonzero()[:, 0]
        self.refined = torch.zeros(count, device=device)
        self.valid = torch.zeros(count, dtype=torch.bool, device=device)
        self.turn = 0
        for group in range(GROUPS):
            self.restart(group)

    def rand(self, *shape):
        return torch.rand(*shape, device=self.device)

    def randn(self, *shape):
        return torch.randn(*shape, device=self.device)

    def some(self, share):
        """Indices of a random `share` of the tracks."""
        return torch.randperm(self.count, device=self.device)[:int(self.count * share)]

    def jitter(self, count):
        """Random turn [B, 2, 2], factor [B] and shift [B, 2] of a window; half of them only flipped."""
        loose = (self.rand(count) < 0.5).float()
        astray = loose * self.hardship.astray
        angle, flip = self.randn(count) * 0.12 * loose, torch.where(self.rand(count) < 0.5, -1.0, 1.0)
        c, s = torch.cos(angle), torch.sin(angle)
        turn = torch.stack([torch.stack([c * flip, -s], 1), torch.stack([s * flip, c], 1)], 1)
        return turn, torch.exp(self.randn(count) * 0.1 * astray), self.randn(count, 2) * (0.04 * astray)[:, None]

    def start_masks(self, true):
        """(masks, found): true, as a decoder leaves them, or wrong."""
        window, found = Window.around(true, self.framing)
        draw = self.rand(len(true))
        bad = draw < BAD_START_SHARE
        wrong = corrupt_start(true, window, torch.where(bad, torch.ones_like(draw), torch.full_like(draw, MILD)))
        return torch.where(each(draw < BAD_START_SHARE + MILD_START_SHARE), wrong, true), found

    def restart(self, group):
        """Draws new sequences, start frames, looks and keyframe crops for one group."""
        size, clips = self.size, self.clips
        at = slice(group * size, (group + 1) * size)
        real = int(round(size * DAVIS_SHARE))
        sequence = torch.cat([torch.multinomial(w, n, True) for w, n in zip(self.weights, (real, size - real))])
        sequence = sequence[torch.randperm(size, device=self.device)]
        room = (clips.length[sequence] - GROUPS).clamp(min=1)
        time = (self.rand(size) * room).long()
        true = clips.mask(sequence, time)
        start, found = self.start_masks(true)
        visible = true.sum((1, 2, 3)) > VISIBLE_PIXELS
        window, found_start = Window.around(start, self.framing, *self.jitter(size))
        self.disguises[group] = Disguise(size, self.device)
        crop = self.disguises[group].wear(crop_image(clips.image(sequence, time), window), crop_mask(true, window))
        self.key_crop[at] = Light(size, self.device, 0.25).apply(crop)
        self.key_prior[at] = crop_mask(start, window)
        self.sequence[at], self.time[at], self.mask[at] = sequence, time, start
        draw, (always, sometimes, *_) = self.rand(size), self.hardship
        self.refined[at] = torch.where(draw < always, 1.0, torch.where(draw < always + sometimes, 0.5, 0.0))
        self.valid[at] = visible & found & found_start

    def carry(self):
        """Warps the masks by one frame, but for those whose object flow misses."""
        flow, some = self.clips.flow(self.sequence, self.time), self.follows
        flow[some] = self.clips.followed(self.sequence[some], self.time[some], self.mask[some])
        missed = self.rand(self.count) < self.hardship.missed
        self.mask = torch.where(each(missed), self.mask, warp(self.mask, flow))

    @torch.no_grad()
    def step(self):
        """Advances all tracks by one frame; returns the batch as a dict of tensors.

        crop [B, 3, S, S], prior and target [B, 1, S, S] with S the framing's, outside [B]: visible object beyond the window in crop
        pixels, key_crop, key_prior, weight [B]: 0 for tracks that lost their mask.
        """
        self.restart(self.turn)
        self.turn = (self.turn + 1) % GROUPS
        self.time += 1
        self.carry()
        self.window, found = Window.around(self.mask, self.framing, *self.jitter(self.count))
        self.valid &= found
        true = self.clips.mask(self.sequence, self.time)
        target = crop_mask(true, self.window)
        crop = crop_image(self.clips.image(self.sequence, self.time), self.window)
        parts = zip(self.disguises, crop.split(self.size), target.split(self.size))
        crop = torch.cat([disguise.wear(*part) for disguise, *part in parts])
        crop = crop + self.randn(self.count, 1, *crop.shape[2:]) * each(self.rand(self.count) ** 2 * 6)
        scale = (self.window.side / self.framing.crop) ** 2
        outside = (true.sum((1, 2, 3)) / scale - target.sum((1, 2, 3))).clamp(min=0)
        prior = crop_mask(self.mask, self.window)
        self.prior = prior.clone()
        some = self.some(BAD_PRIOR_SHARE)
        prior[some] = corrupt_mask(prior[some])
        some = self.some(TWIN_SHARE)
        crop[some], target[some] = twin(crop[some], target[some], self.device)
        some = self.some(OCCLUDER_SHARE)
        front = occluder(len(some), self.framing.crop, self.device)
        crop[some] = torch.lerp(crop[some], crop[some.roll(1)], front)
        target[some] = target[some] * (1 - front)
        return dict(crop=crop.clamp(0, 255), prior=prior, target=target, outside=outside, key_crop=self.key_crop,
                    key_prior=self.key_prior, weight=self.valid.float())

    @torch.no_grad()
    def feed(self, logits):
        """Takes the refiner's output [B, 1, S, S] as the next mask of the tracks that are refined."""
        refined = paste(self.mask, self.prior, logits.float(), self.window)
        self.mask = torch.where(each(self.rand(self.count) < self.refined), refined, self.mask)
