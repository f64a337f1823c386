"""Train, resume, and write checkpoints.

    torchrun-style environment (RANK, WORLD_SIZE, LOCAL_RANK), or one process:
    python -m maskstream_training.train.run --data PREPARED --out RUN --seconds 520 --budget 1050 [--resume STATE] [--weights FOLDER [--continue]]

Progress runs from 0 to 1 over --budget seconds of training, so that a run may be cut into several calls of --seconds.
RUN/state.pt holds everything to resume (140 MB); RUN/encoder.pt and RUN/decoder.pt the averaged fp16 weights (16 MB), from which
--weights RUN --continue goes on at the same place of the schedule: the optimiser's moments come back within a warm-up.
"""
import argparse
import copy
import math
import os
import pathlib
import time

import torch
import torch.distributed as dist

from ..data.sequences import SequenceMaker
from ..data.store import Store
from ..model.decoder import Decoder
from ..model.encoder import Encoder
from ..model.layers import parameter_count
from ..model.weights import load_ordered, load_weights, save_weights
from .rollout import Rollout

AVERAGE = .999
SYNC = 20      # steps between looks at the clock
SAVE = 600     # steps between checkpoints: what a lost machine may cost


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=500, help="train this long now")
    parser.add_argument("--budget", type=float, default=0, help="the whole run (default: --seconds)")
    parser.add_argument("--steps", type=int, default=0, help="stop after so many steps instead (smoke test)")
    parser.add_argument("--sequences", type=int, default=96, help="per GPU and step")
    parser.add_argument("--views", type=int, default=3)
    parser.add_argument("--long-views", type=int, default=0, help="so many views in every --long-every-th step, with as many images as in the others")
    parser.add_argument("--long-every", type=int, default=4)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--encoder-lr", type=float, default=.4, help="factor on --lr")
    parser.add_argument("--frozen-encoder", action="store_true", help="train the decoder alone: the encoder and the text heads on it stay as they are")
    parser.add_argument("--clicks", type=int, default=0, help="so many single clicks more on every view")
    parser.add_argument("--wholes", action="store_true", help="fewer parts and more whole things among the objects")
    parser.add_argument("--small-whole", type=float, default=0, help="share of small objects shown in the whole picture instead of a region")
    parser.add_argument("--pull", type=float, default=0, help="in place of weight decay: decay towards the weights at the start (L2-SP, Li et al. 2018)")
    parser.add_argument("--warm-up", type=int, default=300, help="steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", type=pathlib.Path)
    parser.add_argument("--weights", type=pathlib.Path, help="folder with encoder.pt and decoder.pt to start from")
    parser.add_argument("--continue", dest="onward", action="store_true", help="take the place in the schedule from --weights, too")
    parser.add_argument("--checkpointing", action="store_true", help="gradient checkpointing in the encoder: less memory, more time")
    parser.add_argument("--compile", choices=("no", "encoder", "both"), default="no", help="compile the encoder, or both networks (a minute or two at the start)")
    parser.add_argument("--warm-encoder", type=pathlib.Path, help="encoder weights of an earlier version, by order")
    return parser.parse_args(given)


def compiled(encoder: torch.nn.Module, decoder: torch.nn.Module, which: str) -> tuple:
    """The networks as --compile asks; parameters stay where they are."""
    choose = lambda module, yes: torch.compile(module, dynamic=False) if yes else module
    return choose(encoder, which != "no"), choose(decoder, which == "both")


class Trainer:
    def __init__(self, args: argparse.Namespace):
        self.args, self.rank, self.world = args, int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        cuda = torch.cuda.is_available()
        self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if cuda else torch.device("cpu")
        if cuda:
            torch.cuda.set_device(self.device)
        if self.world > 1:
            dist.init_process_group("nccl" if cuda else "gloo")
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
        args.out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(1234)
        self.encoder, self.decoder = Encoder().to(self.device), Decoder().to(self.device)
        self.encoder.checkpointed = args.checkpointing
        self.step_count, self.spent = 0, 0.
        self._start_weights()
        torch.manual_seed(1000 * args.seed + self.rank)
        if args.frozen_encoder:
            self.encoder.requires_grad_(False)
        self.parameters = [p for m in (self.encoder, self.decoder) for p in m.parameters() if p.requires_grad]
        self.starts = [p.detach().clone() for p in self.parameters] if args.pull else []
        self._flatten_gradients()
        self.optimizer = torch.optim.AdamW(self._groups(), lr=args.lr, betas=(.9, .98), **({"fused": True} if cuda else {}))
        self.average = copy.deepcopy(self.encoder).eval(), copy.deepcopy(self.decoder).eval()
        self.begun_at = self.step_count
        if args.resume:
            self._resume(args.resume)
        self.averaged, self.current = self._tensors(self.average), self._tensors((self.encoder, self.decoder))
        if args.frozen_encoder:
            self.encoder.eval()
        store, half = Store(args.data, self.device, args.wholes), torch.bfloat16 if cuda else None
        networks = compiled(self.encoder, self.decoder, args.compile)
        self.lessons = [(Rollout(*networks, views, half, args.clicks), SequenceMaker(store, views, args.small_whole)) for views in (args.views, args.long_views) if views]
        torch.manual_seed(1000 * args.seed + self.rank + 77 * self.step_count)

    def _start_weights(self) -> None:
        if self.args.weights:
            facts = load_weights(self.args.weights / "encoder.pt", self.encoder)
            if self.args.onward:
                self.step_count, self.spent = facts["step"], facts["spent"]
            load_weights(self.args.weights / "decoder.pt", self.decoder)
        elif self.args.warm_encoder:
            load_ordered(self.encoder, torch.load(self.args.warm_encoder, map_location="cpu")["enc"])

    def _flatten_gradients(self) -> None:
        """One buffer for all gradients: one all-reduce, one norm."""
        self.gradients = torch.zeros(sum(p.numel() for p in self.parameters), device=self.device)
        offset = 0
        for p in self.parameters:
            p.grad = self.gradients[offset:offset + p.numel()].view_as(p)
            offset += p.numel()

    def _groups(self) -> list:
        groups = []
        for module, factor in ((self.encoder, self.args.encoder_lr), (self.decoder, 1.)):
            for matrices in (True, False):
                chosen = [p for p in module.parameters() if p.requires_grad and (p.ndim > 1) == matrices]
                groups.append(dict(params=chosen, weight_decay=.05 if matrices and not self.args.pull else 0., factor=factor))
        return groups

    def _tensors(self, modules) -> list:
        return [t.data for m in modules for t in [*m.parameters(), *(b for b in m.buffers() if b.is_floating_point())]]

    def _resume(self, path: pathlib.Path) -> None:
        state = torch.load(path, map_location=self.device)
        for module, name in ((self.encoder, "encoder"), (self.decoder, "decoder"), (self.average[0], "average_encoder"), (self.average[1], "average_decoder")):
            module.load_state_dict(state[name])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step_count, self.spent = state["step"], state["spent"]

    def save(self) -> None:
        if self.world > 1:
            for buffer in (b for m in self.average for b in m.buffers() if b.is_floating_point()):
                dist.all_reduce(buffer.data)
                buffer.data /= self.world
        if self.rank:
            return
        out = self.args.out
        torch.save(dict(encoder=self.encoder.state_dict(), decoder=self.decoder.state_dict(), average_encoder=self.average[0].state_dict(),
                        average_decoder=self.average[1].state_dict(), optimizer=self.optimizer.state_dict(), step=self.step_count, spent=self.spent), out / "state.pt")
        save_weights(out, {"encoder": self.average[0], "decoder": self.average[1]}, step=self.step_count, spent=self.spent, seed=self.args.seed)

    def progress(self) -> float:
        """0..1, the same on every rank."""
        args = self.args
        if args.steps:
            return min(1., self.step_count / args.steps)
        now = torch.tensor([self.spent / (args.budget or args.seconds)], device=self.device)
        if self.world > 1:
            dist.broadcast(now, 0)
        return min(1., now.item())

    def update(self, progress: float) -> torch.Tensor:
        args = self.args
        rate = args.lr * min(1, (self.step_count - self.begun_at + 1) / args.warm_up) * (.5 * (1 + math.cos(math.pi * progress)) * .995 + .005)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        own = min(1., self.step_count / 800) * .85 if not args.weights or args.onward else .85
        rollout, maker = self.lessons[-1 if self.step_count % args.long_every == 0 else 0]
        batch = maker.make(args.sequences * args.views // rollout.views)
        loss, figures = rollout.step(batch, own)
        self.gradients.zero_()
        loss.backward()
        if self.world > 1:
            dist.all_reduce(self.gradients)
            self.gradients.div_(self.world)
        norm = self.gradients.norm()
        self.gradients.mul_((1 / (norm + 1e-6)).clamp(max=1)).nan_to_num_(0., 0., 0.)
        self.optimizer.step()
        if self.starts:
            with torch.no_grad():
                torch._foreach_lerp_(self.parameters, self.starts, rate * args.pull)
        self.step_count += 1
        with torch.no_grad():
            weight = 1 - min(AVERAGE, (1 + self.step_count) / (10 + self.step_count))
            if hasattr(torch, "_foreach_lerp_"):
                torch._foreach_lerp_(self.averaged, self.current, weight)
            else:
                for average, current in zip(self.averaged, self.current):
                    average.lerp_(current, weight)
        return torch.cat([loss.detach().view(1), norm.view(1), figures])

    def train(self) -> None:
        args, images = self.args, self.args.sequences * self.args.views * self.world
        if self.rank == 0:
            print("parameters", parameter_count(self.encoder), parameter_count(self.decoder), "images a step", images, "start at step", self.step_count, flush=True)
        begun, before, logged, totals, progress = time.time(), self.spent, self.step_count, 0., self.progress()
        clock = time.time()
        while True:
            if self.step_count % SYNC == 0 or args.steps:
                self.spent = before + time.time() - begun
                progress = self.progress()
                stop = torch.tensor([float(progress >= 1 or (not args.steps and time.time() - begun >= args.seconds))], device=self.device)
                if self.world > 1:
                    dist.broadcast(stop, 0)
                if stop.item():
                    break
            totals = totals + self.update(progress)
            if self.step_count % SAVE == 0:
                self.save()
            if (self.step_count % 100 == 0 or args.steps or self.step_count in (5, 20, 50)) and self.rank == 0:
                steps = self.step_count - logged
                values = (totals / steps).tolist()
                rate = steps * images / (time.time() - clock)
                named = " ".join(f"{k} {x:.3f}" for k, x in zip(("loss", "norm", *Rollout.FIGURES), values))
                memory = torch.cuda.max_memory_allocated() / 2 ** 30 if self.device.type == "cuda" else 0
                print(f"step {self.step_count} at {progress:.3f} images/s {rate:.0f} {named} GiB {memory:.0f} s {self.spent:.0f}", flush=True)
                totals, logged, clock = 0., self.step_count, time.time()
        self.save()
        if self.rank == 0:
            print("trained", self.step_count, "steps", round(self.spent), "s in all", flush=True)
        if self.world > 1:
            dist.barrier()
            dist.destroy_process_group()


if __name__ == "__main__":
    Trainer(arguments()).train()
