"""Trains the refiner, or with --start the pass on every frame; resumes from OUT/refiner.pt when it is there.

    python -m maskstream_training.refiner.train ARRAYS OUT --seconds 1300 [--now 450] [--warm CHECKPOINT] [--batch 816] [--processes 2]
    python -m maskstream_training.refiner.train ARRAYS OUT --seconds 1300 --start FOLDER --batch 480 --rate 1.2e-3

OUT/refiner.pt holds weights, their average, the optimiser and the progress; it is written every SAVE_SECONDS and at the end.
"""
import argparse
import copy
import math
import os
import pathlib
import time

import torch
import torch.distributed as dist

from ..model.decoder import Decoder
from ..model.encoder import Encoder
from ..model.weights import load_weights
from . import every_frame, model
from .losses import refiner_loss
from .prepare import SYNTHETIC, TRAIN
from .rollout import GROUPS, Clips, Tracks

SAVE_SECONDS = 45.0
WARMUP_STEPS = 150
AVERAGE_DECAY = 0.998
EYES_RATE = 0.35
"""Of the learning rate, for the encoder, which was trained before."""
FIGURES = ('loss', 'iou of prior', 'iou of output', 'gain where prior > .85', 'share of these made worse', 'iou error', 'live')


class Trainer:
    """Model, optimiser, averaged weights and their checkpoint."""

    def __init__(self, args, rank, world, device):
        self.args, self.rank, self.world, self.device = args, rank, world, device
        torch.manual_seed(1)
        self.settle = False
        self.model = (every_frame if args.start else model).Refiner().to(device)
        if device.type == 'cuda':
            self.model = self.model.to(memory_format=torch.channels_last)
        if args.start:
            self.start_from_model(pathlib.Path(args.start))
        if args.warm:
            self.warm_start(args.warm)
        self.average = copy.deepcopy(self.model).eval()
        chosen = lambda matrix, eyes: [p for n, p in self.model.named_parameters() if (p.ndim > 1) == matrix and n.startswith('eyes.') == eyes]
        groups = [dict(params=chosen(matrix, eyes), weight_decay=0.02 * matrix, factor=EYES_RATE if eyes else 1.0)
                  for eyes in ((False, True) if args.start else (False,)) for matrix in (True, False)]
        self.optimiser = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.98))
        self.iteration, self.spent, self.path = 0, 0.0, f'{args.out}/refiner.pt'
        if os.path.exists(self.path):
            self.resume()
        floats = lambda m: [t.data for t in list(m.parameters()) + list(m.buffers()) if t.is_floating_point()]
        self.now, self.smooth = floats(self.model), floats(self.average)
        torch.manual_seed(1000 * args.seed + rank + self.iteration)

    def start_from_model(self, folder):
        """Takes over the model's own encoder and decoder, as ../restore.py writes them."""
        encoder, decoder = Encoder(), Decoder()
        load_weights(folder / 'encoder.pt', encoder)
        load_weights(folder / 'decoder.pt', decoder)
        self.model.take(encoder.to(self.device), decoder.to(self.device))

    def warm_start(self, path):
        """Takes every tensor whose name and shape are still the same from another checkpoint's averaged weights."""
        theirs, ours = torch.load(path, map_location=self.device)['average'], self.model.state_dict()
        same = {k: v for k, v in theirs.items() if k in ours and ours[k].shape == v.shape}
        self.model.load_state_dict(same, strict=False)
        self.settle = all(bool((v == 1).all()) for k, v in same.items() if k.endswith('running_var'))
        if self.rank == 0:
            print(f'warm start: {len(same)} of {len(ours)} tensors', flush=True)

    @torch.no_grad()
    def settle_norms(self, batch):
        """Gives norms that restore.py made (they change nothing) the mean and variance of a batch, the function unchanged."""
        def settle(norm, inputs):
            mean, variance = inputs[0].float().mean((0, 2, 3)), inputs[0].float().var((0, 2, 3))
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            norm.bias += scale * (mean - norm.running_mean)
            norm.weight.copy_(scale * (variance + norm.eps).sqrt())
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)

        norms = [m for m in self.model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        hooks = [norm.register_forward_pre_hook(settle) for norm in norms]
        self.model.eval()
        appearance = self.model.appearance(batch['key_crop'], batch['key_prior'])
        for hook in hooks:
            hook.remove()
        rest = [n for n in norms if not any(n is m for m in self.model.trunk.modules())]
        hooks = [norm.register_forward_pre_hook(settle) for norm in rest]
        self.model(batch['crop'], batch['prior'], appearance)
        for hook in hooks:
            hook.remove()
        self.model.train()
        self.average.load_state_dict(self.model.state_dict())

    def resume(self):
        """Continues from the checkpoint, with the time it had used."""
        state = torch.load(self.path, map_location=self.device)
        self.model.load_state_dict(state['model'])
        self.average.load_state_dict(state['average'])
        self.optimiser.load_state_dict(state['optimiser'])
        self.iteration, self.spent = state['iteration'], state['spent']
        print(f'resumed at step {self.iteration}, {self.spent:.0f} s used', flush=True)

    def save(self):
        """Writes the checkpoint, whole or not at all."""
        state = dict(model=self.model.state_dict(), average=self.average.state_dict(),
                     optimiser=self.optimiser.state_dict(), iteration=self.iteration, spent=self.spent)
        torch.save(state, self.path + '.part')
        os.replace(self.path + '.part', self.path)

    def share_gradients(self):
        """Averages gradients over the processes."""
        gradients = [p.grad for p in self.model.parameters()]
        flat = torch.cat([g.flatten() for g in gradients])
        dist.all_reduce(flat)
        flat /= self.world
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients])):
            gradient.copy_(part.view_as(gradient))

    def step(self, tracks, progress):
        """One batch; returns its figures."""
        rate = self.args.rate * min(1.0, (self.iteration + 1) / WARMUP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * progress))
        for group in self.optimiser.param_groups:
            group['lr'] = group['factor'] * max(rate, self.args.rate * 0.005)
        batch = tracks.step()
        layout = torch.channels_last if self.device.type == 'cuda' else torch.contiguous_format
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == 'cuda'):
            appearance = self.model.appearance(batch['key_crop'].contiguous(memory_format=layout), batch['key_prior'])
            logits, rating, _ = self.model(batch['crop'].contiguous(memory_format=layout), batch['prior'], appearance)
        loss, figures = refiner_loss(logits.float(), rating.float(), batch)
        self.optimiser.zero_grad(set_to_none=False)
        loss.backward()
        if self.world > 1:
            self.share_gradients()
        for parameter in self.model.parameters():
            parameter.grad.nan_to_num_(0.0, 0.0, 0.0)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.iteration += 1
        with torch.no_grad():
            keep = min(AVERAGE_DECAY, (1 + self.iteration) / (10 + self.iteration))
            torch._foreach_mul_(self.smooth, keep)
            torch._foreach_add_(self.smooth, self.now, alpha=1 - keep)
        tracks.feed(logits.detach())
        return figures

    def agree(self, progress):
        """The first process's value, so that all of them use one learning rate and stop at one step."""
        if self.world == 1:
            return progress
        value = torch.tensor([progress], device=self.device)
        dist.broadcast(value, 0)
        return value.item()

    def run(self, tracks):
        """Trains until the seconds (or steps) are used up."""
        started, saved, shown, spent_before = time.time(), time.time(), time.time(), self.spent
        if self.settle and self.iteration == 0:
            self.settle_norms(tracks.step())
        total, count, progress = torch.zeros(len(FIGURES), device=self.device), 0, None
        while True:
            if progress is None or self.iteration % self.args.check == 0:
                self.spent = spent_before + time.time() - started
                progress = self.agree(self.iteration / self.args.steps if self.args.steps else self.spent / self.args.seconds)
                if progress >= 1 or (self.args.now and self.agree(self.spent - spent_before) >= self.args.now):
                    break
            total += self.step(tracks, progress)
            count += 1
            if self.rank == 0 and time.time() - shown > self.args.show:
                figures = ', '.join(f'{n} {v:.3f}' for n, v in zip(FIGURES, (total / count).tolist()))
                rate = count * tracks.count * self.world / (time.time() - shown)
                print(f'step {self.iteration}, {self.spent:.0f} s, {rate:.0f} crops/s: {figures}', flush=True)
                total.zero_()
                count, shown = 0, time.time()
            if self.rank == 0 and time.time() - saved > SAVE_SECONDS:
                self.save()
                saved = time.time()
        if self.rank == 0:
            self.save()
            print(f'done: {self.iteration} steps of {tracks.count * self.world} crops, {self.spent:.0f} s', flush=True)


def train(rank, world, args):
    """One process of the training, on its own GPU when there is one."""
    device = torch.device('cuda', rank) if torch.cuda.is_available() else torch.device('cpu')
    if device.type == 'cuda':
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True
    if world > 1:
        os.environ.setdefault('MASTER_ADDR', '127.0.0.1')
        os.environ.setdefault('MASTER_PORT', '29541')
        dist.init_process_group('nccl' if device.type == 'cuda' else 'gloo', rank=rank, world_size=world)
    trainer = Trainer(args, rank, world, device)
    trainer.run(Tracks(Clips(args.arrays, device), args.batch, (TRAIN, SYNTHETIC), trainer.model.framing, trainer.model.hardship))
    if world > 1:
        dist.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('arrays')
    parser.add_argument('out')
    parser.add_argument('--seconds', type=float, default=180.0, help='training time, earlier calls counted in')
    parser.add_argument('--now', type=float, default=0, help='stop after so many seconds of this call, to resume later')
    parser.add_argument('--steps', type=int, default=0, help='stop after this many steps instead')
    parser.add_argument('--start', help='train the pass on every frame (every_frame.py), from the encoder.pt and decoder.pt of this folder (../restore.py)')
    parser.add_argument('--warm', help='checkpoint to take tensors of the same name and shape from')
    parser.add_argument('--batch', type=int, default=816, help=f'crops per process, a multiple of {2 * GROUPS}')
    parser.add_argument('--rate', type=float, default=2e-3)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--processes', type=int, default=0, help='default: one per GPU, or one')
    parser.add_argument('--check', type=int, default=10, help='steps between two looks at the clock')
    parser.add_argument('--show', type=float, default=10.0, help='seconds between two lines of figures')
    args = parser.parse_args()
    world = args.processes or max(1, torch.cuda.device_count())
    os.makedirs(args.out, exist_ok=True)
    if world == 1:
        train(0, 1, args)
    else:
        torch.multiprocessing.spawn(train, (world, args), world)


if __name__ == '__main__':
    main()
