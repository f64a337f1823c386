"""Scores flow alone and flow + refiner on held-out clips, the way the tracker runs them.

    python3 evaluate.py ARRAYS CHECKPOINT [--clips DIR]   # DIR: report-only clips as NAME/clip.mp4 + NAME/masks/NNNNN.png

J is the IoU of the mask, thresholded at 0.5, on the 448x252 analysis picture.
"""
import argparse
import glob
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np
import torch

from export import load
from geometry import Window, crop_image, crop_mask, iou, paste, warp
from prepare import ENGINES, HELD, flow_between
from rollout import Clips, corrupt_start

AGES = (1, 5, 10)
INTERVALS = (5, 10)


class Runner:
    """Propagates masks of many tracks with one refiner, or with flow alone (`refiner` None)."""

    def __init__(self, clips, refiner):
        self.clips, self.refiner = clips, refiner

    def keyframe(self, sequence, time, mask):
        """Starts tracks: mask [B, 1, 252, 448] at frame `time` becomes the state, its appearance the memory."""
        self.mask, self.rating = mask, None
        if self.refiner is not None:
            window, _ = Window.around(mask)
            self.memory = self.refiner.appearance(crop_image(self.clips.image(sequence, time), window), crop_mask(mask, window))

    def advance(self, sequence, time):
        """One frame on; returns the mask. Tracks whose mask is empty stay empty."""
        self.mask = warp(self.mask, self.clips.flow(sequence, time))
        if self.refiner is None:
            return self.mask
        window, found = Window.around(self.mask)
        crop, prior = crop_image(self.clips.image(sequence, time), window), crop_mask(self.mask, window)
        logits, rating, _ = self.refiner(crop, prior, self.memory)
        self.rating = rating[:, 0] * found
        self.mask = paste(self.mask, prior, logits, window) * found.view(-1, 1, 1, 1)
        return self.mask

    def score(self, sequence, time):
        """J [B] of the state against the true masks."""
        return iou(self.mask >= 0.5, self.clips.mask(sequence, time) > 0.5)


def by_age(clips, refiner, row, start='true', batch=64):
    """From every start frame of a sequence, one mask and no keyframe after it: {age: J} and (rating, J) pairs."""
    length, scores, pairs = int(clips.length[row]), {k: [] for k in AGES}, []
    starts = torch.arange(0, length - max(AGES), 1 if length < 60 else 2, device=clips.device)
    for time in starts.split(batch):
        sequence = torch.full_like(time, row)
        mask = clips.mask(sequence, time)
        if start == 'bad':
            torch.manual_seed(row)
            mask = corrupt_start(mask, Window.around(mask)[0])
        runner = Runner(clips, refiner)
        runner.keyframe(sequence, time, mask)
        for age in range(1, max(AGES) + 1):
            runner.advance(sequence, time + age)
            score = runner.score(sequence, time + age)
            if age in scores:
                scores[age].append(score)
            if runner.rating is not None:
                pairs.append(torch.stack([runner.rating, score]))
    return {k: torch.cat(v).mean().item() for k, v in scores.items()}, torch.cat(pairs, 1) if pairs else None


def whole_clip(clips, refiner, row, interval):
    """Mean J over a clip with the true mask given every `interval` frames (0: only the first); keyframes not counted."""
    sequence, runner, scores = torch.tensor([row], device=clips.device), Runner(clips, refiner), []
    for t in range(int(clips.length[row])):
        time = torch.tensor([t], device=clips.device)
        if t == 0 or (interval and t % interval == 0):
            runner.keyframe(sequence, time, clips.mask(sequence, time))
        else:
            runner.advance(sequence, time)
            scores.append(runner.score(sequence, time))
    return torch.cat(scores).mean().item()


def calibration(pairs):
    """Correlation, expected calibration error over 10 bins, and AUROC of 1 - rating for J < 0.5."""
    rating, score = pairs.cpu().numpy()
    bins = np.clip((rating * 10).astype(int), 0, 9)
    error = sum(abs(rating[bins == b].mean() - score[bins == b].mean()) * (bins == b).mean() for b in range(10) if (bins == b).any())
    bad = score < 0.5
    order = np.argsort(np.argsort(-rating)) + 1
    area = (order[bad].sum() - bad.sum() * (bad.sum() + 1) / 2) / max(1, bad.sum() * (~bad).sum())
    return np.corrcoef(rating, score)[0, 1], error, area, bad.mean()


HEADS = [f'k={k}' for k in AGES] + [f'bad start k={k}' for k in AGES] + [f'key {n}' for n in INTERVALS] + ['first only']


@torch.no_grad()
def figures(clips, refiner, row):
    """(cells [2, len(HEADS)]: flow alone, with refiner; (rating, J) pairs) of one sequence."""
    cells, everything = [], None
    for net in (None, refiner):
        good, pairs = by_age(clips, net, row)
        bad, more = by_age(clips, net, row, 'bad')
        everything = None if pairs is None else torch.cat([pairs, more], 1)
        cells.append([*good.values(), *bad.values(), *[whole_clip(clips, net, row, n) for n in (*INTERVALS, 0)]])
    return cells, everything


def job(arguments):
    """figures() in a process of its own."""
    args, row = arguments
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    clips = Report(args.clips, args.engine) if args.clips else Clips(args.arrays, torch.device('cpu'))
    return figures(clips, load(args.checkpoint), row)


def report(names, engines, results):
    """Prints one table per flow engine, flow / flow + refiner in each cell, and how good the predicted IoU is."""
    for engine in sorted(set(engines)):
        print(f'\nflow {ENGINES[engine]}; each cell: J of flow alone / with refiner')
        print('| clip | ' + ' | '.join(HEADS) + ' |\n|' + '---|' * (len(HEADS) + 1))
        table = [(n, cells) for n, e, (cells, _) in zip(names, engines, results) if e == engine]
        for name, cells in table:
            print(f'| {name} | ' + ' | '.join(f'{a:.3f} / {b:.3f}' for a, b in zip(*cells)) + ' |')
        print('| **mean** | ' + ' | '.join(f'{a:.3f} / **{b:.3f}**' for a, b in zip(*np.mean([c for _, c in table], 0))) + ' |')
    pairs = torch.cat([p for _, p in results], 1)
    print('predicted IoU: correlation %.3f, calibration error %.3f, AUROC for J < 0.5 %.3f (share %.2f)' % calibration(pairs))


class Report(Clips):
    """Report-only clips read from files, scaled to 448x252 and with one flow engine."""

    def __init__(self, folder, engine=0):
        self.device = torch.device('cpu')
        frames, images, masks, flows, first, lengths, names = [], [], [], [], [], [], []
        for path in sorted(glob.glob(f'{folder}/*/clip.mp4')):
            truth = sorted(glob.glob(f'{os.path.dirname(path)}/masks/*.png'))
            video, clip = cv2.VideoCapture(path), []
            while video.isOpened() and len(clip) < len(truth):
                clip.append(cv2.resize(video.read()[1], (448, 252), interpolation=cv2.INTER_AREA)[..., ::-1].transpose(2, 0, 1))
            first.append(len(flows))
            frames.append(np.arange(len(images), len(images) + len(clip)))
            flows += [flow_between(engine, b, a) for a, b in zip(clip, clip[1:])]
            images += clip
            masks += [cv2.resize((read_palette(p) > 0).astype(np.uint8), (448, 252), interpolation=cv2.INTER_AREA) for p in truth]
            lengths.append(len(clip))
            names.append(os.path.basename(os.path.dirname(path)))
        self.images, self.masks, self.flows = (torch.from_numpy(np.stack(x)) for x in (images, masks, flows))
        self.frames = torch.from_numpy(np.stack([np.pad(f, (0, max(lengths) - len(f)), mode='edge') for f in frames]))
        self.length, self.first_flow = torch.tensor(lengths), torch.tensor(first)
        self.names, self.engine = np.array(names), np.full(len(names), engine)


def read_palette(path):
    """Indices of a palette PNG."""
    from PIL import Image
    return np.asarray(Image.open(path))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('arrays', help='folder written by prepare.py (not read with --clips)')
    parser.add_argument('checkpoint')
    parser.add_argument('--clips', help='report on these clips instead of the held-out ones')
    parser.add_argument('--engine', type=int, default=1, help='flow engine for --clips, see prepare.ENGINES')
    parser.add_argument('--workers', type=int, default=1)
    args = parser.parse_args()
    clips = Report(args.clips, args.engine) if args.clips else Clips(args.arrays, torch.device('cpu'))
    rows = np.arange(len(clips.names)) if args.clips else np.flatnonzero(clips.kind == HELD)
    with ProcessPoolExecutor(args.workers, mp_context=multiprocessing.get_context('spawn')) as pool:
        results = list(pool.map(job, [(args, int(row)) for row in rows]))
    report(clips.names[rows], clips.engine[rows], results)


if __name__ == '__main__':
    main()
