"""The pass on every frame: a window of the picture, the carried mask as a hint and the keyframe's cells -> the mask.

In the refiner's place and with its inputs and outputs (model.py), but it segments where the refiner corrects: the model's own
encoder on CROP x CROP pixels, and what of its decoder a frame without prompts needs: the hint drawn at stride 4, one memory
(the keyframe's window under its mask, matched by looks as in STCN, Cheng et al. 2021), attention among the cells, and the way
back up, here to half of CROP. 7.3 M parameters, 1.5 GFLOP. An experiment (RUNS.md, run 8), not shipped.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from ..model.decoder import Decoder
from ..model.encoder import C4, C8, EMB, SIZE, Encoder
from ..model.layers import PlainResidual, TransformerBlock, attention, conv_relu, mlp
from .geometry import Framing, logit_of
from .model import Exported as Exported  # the graph of it
from .rollout import Hardship

CROP = 160
CELLS = CROP // 16
KEY, HEADS, WIDTH = 62, 2, 128
APPEARANCE = (CELLS ** 2, KEY + WIDTH)
"""Shape of the graph's `appearance` input: for every cell of the keyframe's window its key and its value, row by row."""
KEEP_BIAS = 2.0
"""The hint's logit starts with a weight of sigmoid(KEEP_BIAS) and nothing added."""


class Eyes(Encoder):
    """Encoder of a window; also gives the features at stride 2."""

    def forward(self, crop):
        x = (crop - self.mean) / self.std
        x2 = self.stem[0](x)
        return x2, *self.up_from(self.stage4(self.stem[1](x2)), lambda module, value: module(value))


class Refiner(nn.Module):
    """See the module's text."""

    framing = Framing(CROP, 2.0, 60.0)
    hardship = Hardship(0.85, 0.1, missed=0.06, astray=1.5)

    def __init__(self):
        super().__init__()
        self.eyes = Eyes(size=CROP)
        self.draw4, self.draw8, self.draw16 = conv_relu(2, 16), conv_relu(16, 32, 3, 2), nn.Conv2d(32, WIDTH, 3, 2, 1)
        self.emb = nn.Linear(EMB, WIDTH)
        self.key, self.value, self.read = nn.Linear(EMB, KEY), nn.Linear(EMB, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mark = nn.Sequential(nn.Conv2d(1, 32, 4, 4), nn.ReLU(), nn.Conv2d(32, WIDTH, 1))
        self.temperature = nn.Parameter(torch.tensor(2.3))
        self.position = nn.Parameter(torch.randn(1, CELLS ** 2, WIDTH) * 0.1)
        self.blocks = nn.ModuleList(TransformerBlock(CELLS ** 2, WIDTH, 4, 2) for _ in range(2))
        self.norm = nn.LayerNorm(WIDTH)
        self.up8, self.image8, self.prompt8, self.refine8 = nn.ConvTranspose2d(WIDTH, 32, 2, 2), nn.Conv2d(C8, 32, 1), nn.Conv2d(32, 32, 1), PlainResidual(32)
        self.up4, self.image4, self.prompt4, self.refine4 = nn.ConvTranspose2d(32, 16, 2, 2), nn.Conv2d(C4, 16, 1), nn.Conv2d(16, 16, 1), PlainResidual(16)
        self.up2, self.image2, self.prompt2, self.refine2 = nn.ConvTranspose2d(16, 16, 2, 2), nn.Conv2d(32, 16, 1), nn.Conv2d(1, 16, 5, 2, 2), conv_relu(16, 16)
        self.out = nn.Conv2d(16, 8, 1)
        self.quality = mlp(2 * WIDTH + 5, 64, 1)
        nn.init.zeros_(self.out.weight)
        with torch.no_grad():
            self.out.bias.copy_(torch.tensor([0.0] * 4 + [KEEP_BIAS] * 4))

    @torch.no_grad()
    def take(self, encoder: Encoder, decoder: Decoder):
        """Starts from the model's weights."""
        own, theirs = self.eyes.state_dict(), encoder.state_dict()
        places = theirs['position'].view(1, SIZE // 32, SIZE // 32, -1).permute(0, 3, 1, 2)
        small = F.interpolate(places, size=(CROP // 32, CROP // 32), mode='bilinear', align_corners=False)
        theirs['position'] = small.flatten(2).transpose(1, 2)
        self.eyes.load_state_dict({name: theirs[name] for name in own})
        self.draw4[0].weight.copy_(decoder.draw4[0].weight[:, :2])
        self.draw4[0].bias.copy_(decoder.draw4[0].bias)
        for name in ('draw8', 'draw16', 'emb', 'norm', 'up8', 'image8', 'prompt8', 'refine8', 'up4', 'image4', 'prompt4', 'refine4'):
            getattr(self, name).load_state_dict(getattr(decoder, name).state_dict())
        self.blocks[0].load_state_dict(decoder.block.state_dict())
        memory = decoder.memory
        for name, module in (('key', memory.key), ('value', memory.value), ('read', memory.out), ('mark', memory.mask)):
            getattr(self, name).load_state_dict(module.state_dict())
        self.value.bias += memory.slot[0]
        self.temperature.copy_(memory.temperature)
        cell = (torch.arange(CELLS, device=decoder.outputs.device) + 0.5) / CELLS
        cells = torch.stack([cell.view(1, -1).expand(CELLS, -1), cell.view(-1, 1).expand(-1, CELLS)], -1).reshape(1, -1, 2)
        self.position.copy_(decoder.prompts.position(cells))

    @staticmethod
    def heads(tokens):
        """[N, n, C] -> [N, HEADS, n, C / HEADS]."""
        return tokens.reshape(-1, CELLS ** 2, HEADS, tokens.shape[2] // HEADS).transpose(1, 2)

    def unit(self, keys):
        """Keys [N, cells, KEY] with every head's part scaled to length 1."""
        parts = keys.float().reshape(-1, CELLS ** 2, HEADS, KEY // HEADS)
        return (parts / (parts * parts).sum(-1, keepdim=True).add(1e-6).sqrt()).reshape(-1, CELLS ** 2, KEY)

    def remember(self, frame, prior):
        """Appearance [N, *APPEARANCE] of the cells `frame` [N, cells, EMB] under a mask [N, 1, CROP / 4, CROP / 4]."""
        value = self.value(frame) + self.mark(prior * 2 - 1).flatten(2).transpose(1, 2)
        return torch.cat([self.unit(self.key(frame)), value.float()], 2)

    def appearance(self, crop, prior):
        """Appearance [N, *APPEARANCE] of a keyframe's crop under its mask."""
        return self.remember(self.eyes(crop)[1].flatten(2).transpose(1, 2), F.avg_pool2d(prior, 4))

    def forward(self, crop, prior, appearance):
        """crop [N, 3, CROP, CROP], prior [N, 1, CROP, CROP], appearance [N, *APPEARANCE] -> logits, iou logit [N, 1], appearance."""
        x2, emb, f8, f4 = self.eyes(crop)
        small = F.avg_pool2d(prior, 4)
        drawn4 = self.draw4(torch.cat([small * 2 - 1, small * 0 + 1], 1))
        drawn8 = self.draw8(drawn4)
        drawn16 = self.draw16(drawn8).flatten(2).transpose(1, 2)
        frame = emb.flatten(2).transpose(1, 2)
        own = self.remember(frame, small)
        keys, values = appearance.split((KEY, WIDTH), 2)
        found = attention(self.heads(own[:, :, :KEY]) * self.temperature.exp(), self.heads(keys), self.heads(values), None, 1.0)
        found = self.read(found.transpose(1, 2).reshape(-1, CELLS ** 2, WIDTH).to(frame.dtype))
        image = self.emb(frame) + self.position + drawn16 + found
        for block in self.blocks:
            image = block(image)
        image = self.norm(image).transpose(1, 2).reshape(-1, WIDTH, CELLS, CELLS)
        x = self.refine8(F.relu(self.up8(image) + self.image8(f8) + self.prompt8(drawn8)))
        x = self.refine4(F.relu(self.up4(x) + self.image4(f4) + self.prompt4(drawn4)))
        x = self.refine2(F.relu(self.up2(x) + self.image2(x2) + self.prompt2(prior - 0.5)))
        moved, kept = F.pixel_shuffle(self.out(x), 2).float().split(1, 1)
        logits = logit_of(prior) * torch.sigmoid(kept) + moved
        return logits, self.rate(logits, prior, image), own

    def rate(self, logits, prior, image):
        """Logit of the output's expected IoU [N, 1], from pooled features and how sure and how changed the output is."""
        mask = torch.sigmoid(logits.detach())
        share = F.avg_pool2d(mask, 16)
        area, before = mask.mean((2, 3)), prior.mean((2, 3))
        under = (image.float() * share).mean((2, 3)) / (area + 0.01)
        unsure = (mask * (1 - mask)).mean((2, 3)) / (area + 0.01)
        both = torch.minimum(mask, prior).mean((2, 3))
        agree = both / (area + before - both + 0.01)
        blurred = (prior * (1 - prior)).mean((2, 3)) / (before + 0.01)
        return self.quality(torch.cat([image.float().mean((2, 3)), under, area, before, unsure, agree, blurred], 1))

