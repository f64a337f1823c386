"""The decoder as it is exported: the same function of the same weights, arranged for a CPU runtime.

Sizes are constants of the graph but for the number of objects, tokens stay in two dimensions so that biases are added
inside products, and work moves from the 576 cells of the image to the few prompt tokens:

- A bias of keys adds the same to all scores of a query and is dropped; one of values passes through the weights, which
  sum to 1, and joins the bias after the attention.
- Where 15 tokens meet 576 cells, the projections of the image are applied to the tokens: q . (W x) = (W' q) . x.
- Remembered features keep channels first, as they come: keys and values are made without turning them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .decoder import CLICK_SIGMA, FINE, GRID, MASKS, POINTS, SLOTS, Decoder
from .encoder import EMB
from .layers import CrossAttention, TransformerBlock, TwoWayBlock

CELLS = GRID * GRID


def heads_of(weight: Tensor, heads: int) -> Tensor:
    """[heads * width, in] -> [heads, width, in]"""
    return weight.reshape(heads, -1, weight.shape[1])


class SmallAttention(nn.Module):
    """CrossAttention between two small sets of tokens [N, count, C], counts known."""

    def __init__(self, source: CrossAttention, tokens: int):
        super().__init__()
        self.heads, self.tokens, self.inner, self.width = source.heads, tokens, source.q.out_features, source.q.in_features
        scale = (self.inner // self.heads) ** -0.5
        self.q = nn.Linear(self.width, self.inner)
        self.q.weight.data, self.q.bias.data = source.q.weight * scale, source.q.bias * scale
        self.k, self.v = nn.Linear(self.width, self.inner, bias=False), nn.Linear(self.width, self.inner, bias=False)
        self.k.weight.data, self.v.weight.data = source.k.weight.data, source.v.weight.data
        self.out = nn.Linear(self.inner, self.width)
        self.out.weight.data = source.out.weight.data
        self.out.bias.data = source.out.bias + source.out.weight @ source.v.bias

    def split(self, t: Tensor) -> Tensor:
        return t.reshape(-1, self.tokens, self.heads, self.inner // self.heads).transpose(1, 2)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """All [N * tokens, C]."""
        read = (self.split(self.q(q)) @ self.split(self.k(k)).transpose(-2, -1)).softmax(-1) @ self.split(self.v(v))
        return self.out(read.transpose(1, 2).reshape(-1, self.inner))


class TokensReadImage(nn.Module):
    """CrossAttention with the image as keys and values: its projections are applied to the tokens."""

    def __init__(self, source: CrossAttention, tokens: int):
        super().__init__()
        self.heads, self.tokens, self.width = source.heads, tokens, source.q.in_features
        self.inner = source.q.out_features
        scale = (self.inner // self.heads) ** -0.5
        self.q = nn.Linear(self.width, self.inner)
        self.q.weight.data, self.q.bias.data = source.q.weight * scale, source.q.bias * scale
        self.register_buffer("k", heads_of(source.k.weight.data, self.heads))                        # [heads, d, C]
        self.register_buffer("v", heads_of(source.v.weight.data, self.heads).transpose(1, 2).contiguous())   # [heads, C, d]
        self.out = nn.Linear(self.inner, self.width)
        self.out.weight.data = source.out.weight.data
        self.out.bias.data = source.out.bias + source.out.weight @ source.v.bias

    def forward(self, tokens: Tensor, placed: Tensor, image: Tensor) -> Tensor:
        """tokens [N * tokens, C], image and the same with its position [N, CELLS, C] -> [N * tokens, C]"""
        q = self.q(tokens).reshape(-1, self.tokens, self.heads, self.inner // self.heads).transpose(1, 2)
        q = (q @ self.k).reshape(-1, self.heads * self.tokens, self.width)
        read = ((q @ placed.transpose(1, 2)).softmax(-1) @ image).reshape(-1, self.heads, self.tokens, self.width)
        return self.out((read @ self.v).transpose(1, 2).reshape(-1, self.inner))


class ImageReadsTokens(nn.Module):
    """CrossAttention with the image as queries: its projections are applied to the tokens."""

    def __init__(self, source: CrossAttention, tokens: int):
        super().__init__()
        self.heads, self.tokens, self.width = source.heads, tokens, source.q.in_features
        self.inner = source.q.out_features
        scale = (self.inner // self.heads) ** -0.5
        self.k, self.v = nn.Linear(self.width, self.inner), nn.Linear(self.width, self.inner, bias=False)
        self.k.weight.data, self.k.bias.data = source.k.weight.data, source.k.bias.data
        self.v.weight.data = source.v.weight.data
        # [heads, C + 1, d]: the last row is the query's bias
        q = torch.cat([heads_of(source.q.weight.data, self.heads).transpose(1, 2), source.q.bias.data.reshape(self.heads, 1, -1)], 1)
        self.register_buffer("q", q * scale)
        self.register_buffer("out", heads_of(source.out.weight.data.T, self.heads).contiguous())     # [heads, d, C]
        self.register_buffer("bias", source.out.bias.data + source.out.weight.data @ source.v.bias.data)

    def split(self, t: Tensor) -> Tensor:
        return t.reshape(-1, self.tokens, self.heads, self.inner // self.heads).transpose(1, 2)

    def forward(self, placed: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """placed [N, CELLS, C], keys and values [N * tokens, C] -> [N, CELLS, C]"""
        k = (self.q @ self.split(self.k(keys)).transpose(-2, -1)).transpose(1, 2)    # [N, C + 1, heads, tokens]
        k = k.reshape(-1, self.width + 1, self.heads * self.tokens)
        scores = placed @ k[:, :self.width] + k[:, self.width:]
        weights = scores.reshape(-1, CELLS, self.heads, self.tokens).softmax(-1).reshape(-1, CELLS, self.heads * self.tokens)
        v = (self.split(self.v(values)) @ self.out).reshape(-1, self.heads * self.tokens, self.width)
        return weights @ v + self.bias


class DeployedTwoWay(nn.Module):
    def __init__(self, source: TwoWayBlock, tokens: int):
        super().__init__()
        self.self_attention = SmallAttention(source.self_attention, tokens)
        self.token_to_image = TokensReadImage(source.token_to_image, tokens)
        self.image_to_token = ImageReadsTokens(source.image_to_token, tokens)
        self.mlp, self.norms = source.mlp, source.norms

    def forward(self, tokens: Tensor, image: Tensor, token_position: Tensor, image_position: Tensor) -> tuple[Tensor, Tensor]:
        norm1, norm2, norm3, norm4 = self.norms
        q = tokens + token_position
        tokens = norm1(tokens + self.self_attention(q, q, tokens))
        placed = image + image_position
        tokens = norm2(tokens + self.token_to_image(tokens + token_position, placed, image))
        tokens = norm3(tokens + self.mlp(tokens))
        return tokens, norm4(image + self.image_to_token(placed, tokens + token_position, tokens))


class DeployedBlock(nn.Module):
    """TransformerBlock over the cells; tokens [N * CELLS, C]."""

    def __init__(self, source: TransformerBlock):
        super().__init__()
        self.heads, self.width = source.heads, source.proj.in_features
        scale = (self.width // self.heads) ** -0.5
        q, k, v = source.qkv.weight.data.chunk(3)
        q_bias, _, v_bias = source.qkv.bias.data.chunk(3)
        self.q, self.k, self.v = (nn.Linear(self.width, self.width, bias=bias) for bias in (True, False, False))
        self.q.weight.data, self.q.bias.data, self.k.weight.data, self.v.weight.data = q * scale, q_bias * scale, k, v
        self.proj = nn.Linear(self.width, self.width)
        self.proj.weight.data = source.proj.weight.data
        self.proj.bias.data = source.proj.bias + source.proj.weight @ v_bias
        self.norm1, self.norm2, self.fc1, self.fc2 = source.norm1, source.norm2, source.fc1, source.fc2

    def split(self, t: Tensor) -> Tensor:
        return t.reshape(-1, CELLS, self.heads, self.width // self.heads).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        read = (self.split(self.q(y)) @ self.split(self.k(y)).transpose(-2, -1)).softmax(-1) @ self.split(self.v(y))
        x = x + self.proj(read.transpose(1, 2).reshape(-1, self.width))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class DeployedMemory(nn.Module):
    """MemoryRead, without the bias of its output: see Deployed.forward."""

    def __init__(self, decoder: Decoder):
        super().__init__()
        source = decoder.memory
        self.heads, self.key_width, self.width = source.heads, source.key_width, source.out.in_features
        self.depth = self.key_width // self.heads
        self.read = nn.Linear(EMB, self.key_width + self.width)     # keys and values in one product
        self.read.weight.data = torch.cat([source.key.weight.data, source.value.weight.data])
        self.read.bias.data = torch.cat([source.key.bias.data, torch.zeros(self.width)])
        self.register_buffer("heat", source.temperature.data.exp())
        # What every slot's values share passes through the attention: it joins the bias of the output.
        first, second = source.mask[0], source.mask[2]
        self.mark = nn.Sequential(nn.Conv2d(1, first.out_channels, 4, 4), nn.ReLU(), nn.Conv2d(first.out_channels, self.width, 1, bias=False))
        self.mark[0].weight.data = first.weight.data * 2          # of a mask in 0..1 in place of -1..1
        self.mark[0].bias.data = first.bias.data - first.weight.data.sum((1, 2, 3))
        self.mark[2].weight.data = second.weight.data
        self.register_buffer("slot", source.slot.data.reshape(1, SLOTS, 1, self.width))
        self.register_buffer("slot_bias", source.slot_bias.data)
        self.out = nn.Linear(self.width, self.width, bias=False)
        self.out.weight.data = source.out.weight.data
        self.register_buffer("bias", (source.out.bias + source.out.weight @ (source.value.bias + second.bias)).detach())
        self.register_buffer("nothing", source.nothing.data)

    def unit(self, k: Tensor) -> Tensor:
        return k / (k * k).sum(-1, keepdim=True).add(1e-6).sqrt()

    def forward(self, key: Tensor, mem_emb: Tensor, mem_mask: Tensor, mem_valid: Tensor) -> Tensor:
        """key of the frame [CELLS, key_width] -> what is read [N * CELLS, width]"""
        found = self.read(mem_emb.permute(0, 1, 3, 4, 2).reshape(-1, EMB))
        keys = self.unit(found[:, :self.key_width].reshape(-1, SLOTS, CELLS, self.heads, self.depth))
        closed = ((mem_valid - 1) * 1e4 + self.slot_bias).reshape(-1, SLOTS, 1, 1, 1).expand(-1, SLOTS, CELLS, self.heads, 1)
        keys = torch.cat([keys, closed], 4).reshape(-1, SLOTS * CELLS, self.heads, self.depth + 1).permute(0, 2, 3, 1)
        marks = self.mark(mem_mask.reshape(-1, 1, FINE, FINE)).reshape(-1, SLOTS, self.width, CELLS).transpose(2, 3)
        values = found[:, self.key_width:].reshape(-1, SLOTS, CELLS, self.width) + marks + self.slot
        values = values.reshape(-1, SLOTS * CELLS, self.heads, self.width // self.heads).transpose(1, 2)
        query = F.pad(self.unit(key.reshape(1, CELLS, self.heads, self.depth)).transpose(1, 2) * self.heat, (0, 1), value=1.0)
        read = (query @ keys).softmax(-1) @ values
        return self.out(read.transpose(1, 2).reshape(-1, self.width))


class Deployed(nn.Module):
    """A trained Decoder, arranged for export; the features are of one frame."""

    def __init__(self, decoder: Decoder):
        super().__init__()
        self.d = decoder
        self.tokens = 2 + MASKS + POINTS
        self.memory = DeployedMemory(decoder)
        self.block = DeployedBlock(decoder.block)
        self.two_way = nn.ModuleList(DeployedTwoWay(block, self.tokens) for block in decoder.two_way)
        self.final = TokensReadImage(decoder.final, self.tokens)
        self.width = decoder.norm.normalized_shape[0]
        position = decoder.prompts.position(decoder.prompts.cells).reshape(CELLS, self.width).detach()
        self.register_buffer("position", position)
        self.frame = nn.Linear(EMB, self.width + self.memory.key_width)     # image tokens and keys in one product
        self.frame.weight.data = torch.cat([decoder.emb.weight.data, decoder.memory.key.weight.data])
        self.frame.bias.data = torch.cat([decoder.emb.bias.data, decoder.memory.key.bias.data])
        self.register_buffer("starts", torch.cat([decoder.outputs.detach(), torch.zeros(POINTS, self.width)]))

    def planes(self, points: Tensor, labels: Tensor, mask: Tensor, has_mask: Tensor) -> Tensor:
        """PromptDrawing's planes behind the prior: [N, 5, FINE, FINE]"""
        prompts, spread = self.d.prompts, -1 / (2 * CLICK_SIGMA ** 2)
        across, down = torch.exp((prompts.x[0] - points[..., 0:1]) ** 2 * spread), torch.exp((prompts.y[0, :, :, 0] - points[..., 1:2]) ** 2 * spread)
        positive, negative = (((across * (labels == kind).float().unsqueeze(-1)).unsqueeze(2) * down.unsqueeze(3)).amax(1, keepdim=True) for kind in (1, 0))
        left, top, right, bottom = points[:, 0:1, 0:1], points[:, 0:1, 1:2], points[:, 1:2, 0:1], points[:, 1:2, 1:2]
        x, y = prompts.x[0], prompts.y[0, :, :, 0]
        inside_x = ((x - left) * FINE + 0.5).clamp(0, 1) * ((right - x) * FINE + 0.5).clamp(0, 1) * (labels[:, 0:1] == 2).float().unsqueeze(-1)
        inside_y = ((y - top) * FINE + 0.5).clamp(0, 1) * ((bottom - y) * FINE + 0.5).clamp(0, 1)
        given = has_mask.reshape(-1, 1, 1, 1)
        return torch.cat([(mask * 2 - 1) * given, given.expand(-1, 1, FINE, FINE), positive, negative, inside_x.unsqueeze(2) * inside_y.unsqueeze(3)], 1)

    def forward(self, emb: Tensor, f8: Tensor, f4: Tensor, points: Tensor, labels: Tensor, mask: Tensor, has_mask: Tensor,
                mem_emb: Tensor, mem_mask: Tensor, mem_valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As Decoder.forward."""
        d, width = self.d, self.width
        drawn4 = d.draw4(self.planes(points, labels, mask, has_mask))
        drawn8 = d.draw8(drawn4)
        drawn16 = d.draw16(drawn8).reshape(-1, width, CELLS).transpose(1, 2)

        frame = self.frame(emb.permute(0, 2, 3, 1).reshape(CELLS, EMB))
        known = mem_valid.amax(1).reshape(-1, 1, 1)
        seen = frame[:, :width] + self.position
        read = self.memory(frame[:, width:], mem_emb, mem_mask, mem_valid).reshape(-1, CELLS, width) * known
        image = seen + drawn16 + (read + (self.memory.bias * known + self.memory.nothing * (1 - known)))
        image = d.norm(self.block(image.reshape(-1, width))).reshape(-1, CELLS, width)

        kinds = torch.stack([labels == i - 1 for i in range(5)], -1).float() @ d.prompts.kinds
        prompt = d.prompts.position(points) * (labels >= 0).float().unsqueeze(-1) + kinds
        tokens = (F.pad(prompt, (0, 0, self.tokens - POINTS, 0)) + self.starts).reshape(-1, width)
        queries = tokens
        for block in self.two_way:
            queries, image = block(queries, image, tokens, self.position)
        queries = d.final_norm(queries + self.final(queries + tokens, image + self.position, image)).reshape(-1, self.tokens, width)

        x = image.transpose(1, 2).reshape(-1, width, GRID, GRID)
        x = d.refine8(F.relu(d.up8(x) + d.image8(f8) + d.prompt8(drawn8)))
        x = d.refine4(F.relu(d.up4(x) + d.image4(f4) + d.prompt4(drawn4)))
        kernels = torch.stack([head(queries[:, 2 + i]) for i, head in enumerate(d.kernels)], 1)
        logits = (kernels @ x.reshape(-1, x.shape[1], FINE * FINE)).reshape(-1, MASKS, FINE, FINE)
        return logits, torch.sigmoid(d.score(queries[:, 1])), d.present(queries[:, 0])
