"""Building blocks shared by the encoder and the decoder."""
import torch
import torch.nn.functional as F
from torch import Tensor, nn


def attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None, scale: float | None = None) -> Tensor:
    """Scaled dot-product attention, [B, heads, tokens, channels]; spelled out for export (and for old PyTorch)."""
    if hasattr(F, "scaled_dot_product_attention") and not torch.onnx.is_in_onnx_export():
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)
    weights = (q * (q.shape[-1] ** -0.5 if scale is None else scale)) @ k.transpose(-2, -1)
    return (weights if bias is None else weights + bias).softmax(-1) @ v


def conv_bn(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, relu: bool = True) -> nn.Sequential:
    """Convolution, batch norm (folded into the convolution at export) and optionally ReLU."""
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


def conv_relu(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution and ReLU without a norm, for the decoder: batch statistics would differ between its kinds of passes."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias)
    return nn.Sequential(conv, nn.ReLU())


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Three linear layers: the shape of every head."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


class Residual(nn.Module):
    """x + conv(conv(x)), identity at the start of training."""

    def __init__(self, channels: int, hidden: int):
        super().__init__()
        self.first = conv_bn(channels, hidden)
        self.second = conv_bn(hidden, channels, relu=False)
        nn.init.zeros_(self.second[1].weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class PlainResidual(nn.Module):
    """Residual without norms."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = conv_relu(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class TransformerBlock(nn.Module):
    """Pre-norm self-attention and MLP over tokens [B, N, C], identity at the start of training.

    N is given, so that it is a constant of the exported graph, whose batch is open.
    """

    def __init__(self, tokens: int, channels: int, heads: int, expansion: int):
        super().__init__()
        self.tokens, self.channels, self.heads = tokens, channels, heads
        self.norm1 = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.norm2 = nn.LayerNorm(channels)
        self.fc1 = nn.Linear(channels, expansion * channels)
        self.fc2 = nn.Linear(expansion * channels, channels)
        for layer in (self.proj, self.fc2):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        tokens, channels = self.tokens, self.channels
        qkv = self.qkv(self.norm1(x)).reshape(-1, tokens, 3, self.heads, channels // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        x = x + self.proj(attention(q, k, v, scale=(channels // self.heads) ** -0.5).transpose(1, 2).reshape(-1, tokens, channels))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class CrossAttention(nn.Module):
    """Multi-head attention whose inner width may be narrower than its tokens."""

    def __init__(self, channels: int, heads: int, inner: int):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v = (nn.Linear(channels, inner) for _ in range(3))
        self.out = nn.Linear(inner, channels)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        def split(t: Tensor) -> Tensor:
            return t.reshape(-1, t.shape[1], self.heads, t.shape[2] // self.heads).transpose(1, 2)

        read = attention(split(self.q(q)), split(self.k(k)), split(self.v(v))).transpose(1, 2)
        return self.out(read.reshape(-1, q.shape[1], read.shape[2] * read.shape[3]))


class TwoWayBlock(nn.Module):
    """SAM's block (Kirillov et al. 2023): prompt tokens and image tokens attend to each other in turn."""

    def __init__(self, channels: int, heads: int, hidden: int):
        super().__init__()
        self.self_attention = CrossAttention(channels, heads, channels)
        self.token_to_image = CrossAttention(channels, heads, channels // 2)
        self.image_to_token = CrossAttention(channels, heads, channels // 2)
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(4))

    def forward(self, tokens: Tensor, image: Tensor, token_position: Tensor, image_position: Tensor) -> tuple[Tensor, Tensor]:
        norm1, norm2, norm3, norm4 = self.norms
        q = tokens + token_position
        tokens = norm1(tokens + self.self_attention(q, q, tokens))
        k = image + image_position
        tokens = norm2(tokens + self.token_to_image(tokens + token_position, k, image))
        tokens = norm3(tokens + self.mlp(tokens))
        image = norm4(image + self.image_to_token(image + image_position, tokens + token_position, tokens))
        return tokens, image


def parameter_count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
