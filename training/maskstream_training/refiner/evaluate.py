"""Scores flow alone and flow with one or more refiners on held-out clips, the way the tracker runs them.

    python -m maskstream_training.refiner.evaluate ARRAYS CHECKPOINT[=MODEL.PY][@ZONE] ... [--clips DIR]

MODEL.PY defines Refiner and Exported of an older checkpoint; ZONE is a dead zone other than the trained one. DIR holds
report-only clips as NAME/clip.mp4 and NAME/masks/NNNNN.png. J is the IoU of the mask, thresholded at 0.5, on the 448x252 analysis picture.
"""
import argparse
import glob
import importlib.util
import os

import cv2
import numpy as np
import torch

from .export import load
from .geometry import CORRECTION, Window, crop_image, crop_mask, iou, paste, warp
from .prepare import ENGINES, HELD, flow_between
from .rollout import Clips, corrupt_start

LIFE, AGES, INTERVALS = 12, (1, 3, 5, 8, 12), (5, 8, 0)
STARTS = ('true', 'mild', 'bad')
MILD = 0.25
RIGHT, WORSE = 0.85, 0.01
BATCH = 320


class Runner:
    """Propagates the masks of many tracks at once with one refiner, or with flow alone (`refiner` None)."""

    def __init__(self, clips, refiner, sequence, follow):
        self.clips, self.refiner, self.sequence, self.follow = clips, refiner, sequence, follow
        self.mask = self.memory = self.rating = None

    def keyframe(self, time, mask, which=None):
        """`mask` at frame `time` becomes the state of the tracks `which` (default: all), its appearance the memory."""
        some = torch.arange(len(time), device=time.device) if which is None else which
        if self.mask is None:
            self.mask = mask.clone()
        self.mask[some] = mask[some]
        if self.refiner is not None and len(some):
            window, _ = Window.around(mask[some], self.refiner.framing)
            crop = crop_image(self.clips.image(self.sequence[some], time[some]), window)
            memory = self.refiner.appearance(crop, crop_mask(mask[some], window))
            if self.memory is None:
                self.memory = memory.new_zeros(len(time), *memory.shape[1:])
            self.memory[some] = memory

    def advance(self, time):
        """One frame on. Tracks whose mask is empty stay empty. Returns the warped mask."""
        clips, sequence = self.clips, self.sequence
        flow = clips.followed(sequence, time, self.mask) if self.follow else clips.flow(sequence, time)
        warped = self.mask = warp(self.mask, flow)
        if self.refiner is not None:
            window, found = Window.around(warped, self.refiner.framing)
            crop, prior = crop_image(clips.image(sequence, time), window), crop_mask(warped, window)
            logits, rating, _ = self.refiner(crop, prior, self.memory)
            self.rating = rating[:, 0] * found
            self.mask = paste(warped, prior, logits, window) * found.view(-1, 1, 1, 1)
        return warped

    def score(self, time, mask=None):
        """J [B] of the state, or of `mask`, against the true masks."""
        mask = self.mask if mask is None else mask
        return iou(mask >= 0.5, self.clips.mask(self.sequence, time) > 0.5)


def by_age(clips, refiner, rows, start, follow):
    """One keyframe, then none for LIFE frames: (J [tracks, LIFE], J of the priors, ratings or None, row of each track)."""
    step = 1 if clips.device.type == 'cuda' else 8
    pairs = [(row, t) for row in rows for t in range(0, int(clips.length[row]) - LIFE, step)]
    parts = []
    for at in range(0, len(pairs), BATCH):
        sequence, time = torch.tensor(pairs[at:at + BATCH], device=clips.device).unbind(1)
        mask = clips.mask(sequence, time)
        if start != 'true':
            torch.manual_seed(at)
            strength = torch.full((len(mask),), MILD if start == 'mild' else 1.0, device=clips.device)
            mask = corrupt_start(mask, Window.around(mask, CORRECTION)[0], strength)
        runner, scores = Runner(clips, refiner, sequence, follow), []
        runner.keyframe(time, mask)
        for age in range(1, LIFE + 1):
            warped = runner.advance(time + age)
            score = runner.score(time + age)
            scores.append(torch.stack([score, runner.score(time + age, warped), score if runner.rating is None else runner.rating]))
        parts.append(torch.stack(scores, 2).cpu())
    score, prior, rating = torch.cat(parts, 1)
    return score, prior, rating, np.array([row for row, _ in pairs])


def whole_clips(clips, refiner, rows, follow):
    """Mean J of each row over its clip for each of INTERVALS between true masks (0: only the first), keyframes not counted."""
    tracks = [(row, interval) for row in rows for interval in INTERVALS]
    sequence = torch.tensor([row for row, _ in tracks], device=clips.device)
    interval = torch.tensor([n or 10 ** 6 for _, n in tracks], device=clips.device)
    length = clips.length[sequence]
    runner, total = Runner(clips, refiner, sequence, follow), torch.zeros(len(tracks), 2, device=clips.device)
    for t in range(int(length.max())):
        time = torch.minimum(torch.full_like(length, t), length - 1)
        key = t % interval == 0
        if t:
            runner.advance(time)
            counted = (~key & (t < length)).float()
            total += torch.stack([runner.score(time) * counted, counted], 1)
        if key.any():
            runner.keyframe(time, clips.mask(sequence, time), key.nonzero()[:, 0])
    return (total[:, 0] / total[:, 1]).view(len(rows), -1).cpu().numpy()


def rated(rating, score):
    """Text: how good the predicted IoU is, and the piecewise-linear calibration (raw, expected) fitted on these masks."""
    rating, score = rating.flatten().numpy(), score.flatten().numpy()
    bins = np.clip((rating * 15).astype(int), 0, 14)
    error = sum(abs(rating[bins == b].mean() - score[bins == b].mean()) * (bins == b).mean() for b in range(15) if (bins == b).any())
    bad = score < 0.5
    order = np.argsort(np.argsort(-rating)) + 1
    area = (order[bad].sum() - bad.sum() * (bad.sum() + 1) / 2) / max(1, bad.sum() * (~bad).sum())
    by_rating = np.argsort(rating)
    knots = [(round(float(rating[p].mean()), 3), round(float(score[p].mean()), 3)) for p in np.array_split(by_rating, 10)]
    return (f'predicted IoU of {len(rating)} masks: correlation {np.corrcoef(rating, score)[0, 1]:.3f}, calibration error {error:.3f}, '
            f'AUROC for J < 0.5 {area:.3f} (share {bad.mean():.2f})\n  calibration {knots}')


@torch.no_grad()
def table(clips, nets, rows, follow):
    """Prints the cells of all `rows` for flow alone and each of `nets`, and what each net does to masks that were right."""
    heads = [f'{s} k={k}' for s in STARTS for k in AGES] + [f'key {n}' if n else 'first only' for n in INTERVALS]
    cells, notes = [], []
    for name, net in nets:
        runs = [by_age(clips, net, rows, s, follow) for s in STARTS]
        ages = [[run[0][run[3] == row][:, k - 1].mean().item() for run in runs for k in AGES] for row in rows]
        cells.append(np.concatenate([ages, whole_clips(clips, net, rows, follow)], 1))
        if net is not None:
            score, prior, rating = (torch.cat([run[i] for run in runs]) for i in range(3))
            right = prior > RIGHT
            change = (score - prior)[right]
            notes.append(f'{name}: masks whose prior has J > {RIGHT}: {len(change)}, change {change.mean():+.4f}, '
                         f'{(change < -WORSE).float().mean():.3f} lose more than {WORSE}, {(change > WORSE).float().mean():.3f} gain; '
                         f'others: change {(score - prior)[~right].mean():+.4f}\n{name}: {rated(rating, score)}')
    print('| clip | ' + ' | '.join(heads) + ' |\n|' + '---|' * (len(heads) + 1))
    cells = np.stack(cells)
    for name, cell in [*zip(clips.names[rows], cells.transpose(1, 2, 0)), ('**mean**', cells.mean(1).T)]:
        print(f'| {name} | ' + ' | '.join(' / '.join(f'{x:.3f}'[1:] if x < 1 else '1' for x in c) for c in cell) + ' |')
    print('\n'.join(notes), flush=True)


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


def read_net(text, device):
    """(name, graph) of CHECKPOINT[=MODEL.PY][@ZONE]."""
    text, _, zone = text.partition('@')
    path, _, source = text.partition('=')
    module = None
    if source:
        spec = importlib.util.spec_from_file_location(f'{__package__}.older_model', source)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    graph = load(path, module).to(device)
    if not hasattr(graph, 'framing'):   # of an older MODEL.PY
        graph.framing = CORRECTION
    if zone:
        graph.refiner.dead_zone = float(zone)
    return os.path.basename(source or path) + (f' @ {zone}' if zone else ''), graph


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('arrays', help='folder written by prepare.py (not read with --clips)')
    parser.add_argument('checkpoints', nargs='*')
    parser.add_argument('--clips', help='report on these clips instead of the held-out ones')
    parser.add_argument('--engine', type=int, default=1, help='flow engine for --clips, see prepare.ENGINES')
    parser.add_argument('--settings', default='4f,1f', help="engines of the held-out tables; f: with the object's own motion")
    args = parser.parse_args()
    device = torch.device('cuda' if torch.cuda.is_available() and not args.clips else 'cpu')
    clips = Report(args.clips, args.engine) if args.clips else Clips(args.arrays, device)
    nets = [('flow alone', None)] + [read_net(c, device) for c in args.checkpoints]
    for setting in [f'{args.engine}f'] if args.clips else args.settings.split(','):
        engine, follow = int(setting.rstrip('f')), setting.endswith('f')
        held = clips.engine >= 0 if args.clips else (clips.kind == HELD) & (clips.engine == engine)
        print(f'\nflow {ENGINES[engine]}{", object motion" if follow else ""}; each cell: J of {" / ".join(n for n, _ in nets)}')
        table(clips, nets, np.flatnonzero(held), follow)


if __name__ == '__main__':
    main()
