"""The four reference denoisers of bench/reference_models.hpp in PyTorch 1.13 or later.

Modules carry foglift's names, so that a parameter is found under the same name on both sides. Tensors have PyTorch's
layout: x [B, channels, ...], t [B] in 0 ... 999. `to_foglift` permutes a parameter; `moved` permutes an activation.

  net = models.make("unet1d")
  eps = net(torch.randn(16, *models.SHAPES["unet1d"]), torch.randint(0, 1000, (16,)))
"""
import math
from typing import List, Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# One sample of x, channels first.
SHAPES = {"mlp2d": (2,), "unet1d": (1, 96), "dit1d": (1, 96), "unet2d": (3, 32, 32)}


class TimeEmbedding(nn.Module):
    """Sinusoids of t, then one layer, or two with SiLU behind each. Angles are computed in the type of `frequencies`,
    which is no buffer and so keeps its own."""

    def __init__(self, features: int, width: int, layers: int = 2):
        super().__init__()
        self.fc1 = nn.Linear(features, width)
        self.fc2 = nn.Linear(width, width) if layers == 2 else None
        self.half = features // 2
        self.compute_angles_in(torch.float32)

    def compute_angles_in(self, dtype: torch.dtype) -> None:
        steps = torch.arange(self.half, dtype=dtype)
        self.frequencies = torch.exp(steps * (-math.log(10000.0) / self.half))

    def forward(self, t: Tensor) -> Tensor:
        angles = t.to(self.frequencies.dtype)[:, None] * self.frequencies
        e = self.fc1(torch.cat([angles.cos(), angles.sin()], dim=1).to(self.fc1.weight.dtype))
        return e if self.fc2 is None else F.silu(self.fc2(F.silu(e)))


class Mlp(nn.Module):
    def __init__(self, channels: int, width: int, depth: int):
        super().__init__()
        self.embedding = TimeEmbedding(width, width, layers=1)
        self.layers = nn.ModuleList(nn.Linear(channels if i == 0 else width, width) for i in range(depth))
        self.output = nn.Linear(width, channels)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        h = F.silu(self.layers[0](x) + self.embedding(t))
        for layer in self.layers[1:]:
            h = F.silu(layer(h))
        return self.output(h)


class Attention(nn.Module):
    """x [B, N, C]; heads in consecutive channels of q, k and v."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        weights = torch.softmax((q * self.size**-0.5) @ k.transpose(2, 3), dim=-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(b, n, c))


class ResBlock(nn.Module):
    def __init__(self, conv: type, channels: int, out: int, embedding: int, dropout: float = 0):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.norm1, self.conv1 = nn.GroupNorm(8, channels), conv(channels, out, 3, padding=1)
        self.embed = nn.Linear(embedding, out)
        self.norm2, self.conv2 = nn.GroupNorm(8, out), conv(out, out, 3, padding=1)
        self.skip = conv(channels, out, 1) if channels != out else None

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        s = self.embed(e)
        h = self.conv1(F.silu(self.norm1(x))) + s.reshape(s.shape + (1,) * (x.dim() - 2))
        h = self.conv2(self.dropout(F.silu(self.norm2(h))))
        return h + (x if self.skip is None else self.skip(x))


class AttentionBlock(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.norm, self.attention = nn.GroupNorm(8, width), Attention(width, heads)

    def forward(self, x: Tensor) -> Tensor:
        h = self.attention(self.norm(x).flatten(2).transpose(1, 2))
        return x + h.transpose(1, 2).reshape(x.shape)


class Level(nn.Module):
    """Residual blocks, and what changes the extent behind them."""

    def __init__(self, blocks: List[nn.Module], resample: Optional[nn.Module] = None):
        super().__init__()
        self.blocks, self.resample = nn.ModuleList(blocks), resample


class UNet(nn.Module):
    def __init__(self, conv: type, channels: int, width: int, multipliers: List[int], blocks: int, out: int = 0,
                 embedding: int = 128, attention: bool = True, dropout: float = 0):
        super().__init__()
        widths = [width * m for m in multipliers]
        last = len(widths) - 1
        block = lambda i, o: ResBlock(conv, i, o, embedding, dropout)
        self.embedding = TimeEmbedding(width, embedding)
        self.input = conv(channels, width, 3, padding=1)
        self.down, c, skips = nn.ModuleList(), width, [width]
        for i, w in enumerate(widths):
            level = [block(c if b == 0 else w, w) for b in range(blocks)]
            self.down.append(Level(level, conv(w, w, 3, stride=2, padding=1) if i < last else None))
            skips += [w] * (blocks + (i < last))
            c = w
        self.middle = Level([block(c, c), block(c, c)])
        self.middle.attention = nn.ModuleList([AttentionBlock(c, heads=4)] if attention else [])
        self.up = nn.ModuleList()
        for i, w in reversed(list(enumerate(widths))):
            level = [block((c if b == 0 else w) + skips.pop(), w) for b in range(blocks + 1)]
            self.up.append(Level(level, conv(w, w, 3, padding=1) if i > 0 else None))
            c = w
        self.norm, self.output = nn.GroupNorm(8, c), conv(c, out or channels, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor, taps: Optional[List[Tensor]] = None) -> Tensor:
        """What the blocks make of x goes into `taps`, in foglift's order of block_names()."""
        e, h = self.embedding(t), self.input(x)
        skips, seen = [h], [h]
        for level in self.down:
            for block in level.blocks:
                h = block(h, e)
                skips.append(h)
                seen.append(h)
            if level.resample is not None:
                h = level.resample(h)
                skips.append(h)
        h = self.middle.blocks[0](h, e)
        for attention in self.middle.attention:
            h = attention(h)
        h = self.middle.blocks[1](h, e)
        seen.append(h)
        for level in self.up:
            for block in level.blocks:
                h = block(torch.cat([h, skips.pop()], dim=1), e)
                seen.append(h)
            if level.resample is not None:
                h = level.resample(F.interpolate(h, scale_factor=2.0, mode="nearest"))
        if taps is not None:
            taps += seen
        return self.output(F.silu(self.norm(h)))


class Normalize(nn.Module):
    """Layer norm without trained parameters; ones and zeros let it be a single ONNX node (some ONNX Runtimes crash on
    one without a bias)."""

    def __init__(self, width: int):
        super().__init__()
        self.register_buffer("one", torch.ones(width), persistent=False)
        self.register_buffer("zero", torch.zeros(width), persistent=False)

    def forward(self, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        return F.layer_norm(x, self.one.shape, self.one, self.zero, 1e-6) * (1 + scale) + shift


class FeedForward(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class DitBlock(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.attention, self.ff = Attention(width, heads), FeedForward(width)
        self.modulation = nn.Linear(width, 6 * width)
        self.norm = Normalize(width)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(e)[:, None].chunk(6, dim=-1)
        x = x + gate1 * self.attention(self.norm(x, shift1, scale1))
        return x + gate2 * self.ff(self.norm(x, shift2, scale2))


class Position(nn.Module):
    def __init__(self, tokens: int, width: int):
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(tokens, width))


class FinalNorm(nn.Module):
    """norm.film.linear: the last modulation."""

    def __init__(self, width: int):
        super().__init__()
        self.film = nn.ModuleDict({"linear": nn.Linear(width, 2 * width)})
        self.norm = Normalize(width)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        return self.norm(x, *self.film["linear"](e)[:, None].chunk(2, dim=-1))


class Dit(nn.Module):
    """Tokens are the single positions of x [B, channels, tokens]."""

    def __init__(self, channels: int, tokens: int, width: int, depth: int, heads: int):
        super().__init__()
        self.embedding = TimeEmbedding(width, width)
        self.input, self.position = nn.Linear(channels, width), Position(tokens, width)
        self.blocks = nn.ModuleList(DitBlock(width, heads) for _ in range(depth))
        self.norm, self.output = FinalNorm(width), nn.Linear(width, channels)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        e, h = self.embedding(t), self.input(x.transpose(1, 2)) + self.position.weight
        for block in self.blocks:
            h = block(h, e)
        return self.output(self.norm(h, e)).transpose(1, 2)


def make(name: str) -> nn.Module:
    torch.manual_seed(0)
    if name == "mlp2d":
        return Mlp(channels=2, width=128, depth=3)
    if name == "unet1d":
        return UNet(nn.Conv1d, channels=1, width=32, multipliers=[1, 2, 4], blocks=2)
    if name == "dit1d":
        return Dit(channels=1, tokens=96, width=128, depth=6, heads=4)
    if name == "unet2d":
        return UNet(nn.Conv2d, channels=3, width=64, multipliers=[1, 2, 4], blocks=1)
    raise ValueError(f"{name}: not one of {', '.join(SHAPES)}")


def moved(x: Tensor) -> Tensor:
    """[B, C, ...] -> [B, ..., C]"""
    return x if x.dim() == 2 else x.permute(0, *range(2, x.dim()), 1)


def to_foglift(name: str, p: Tensor) -> Tensor:
    """[out, in, k...] -> [k..., in, out]; vectors and position tables stay."""
    return p if p.dim() == 1 or "position" in name else p.permute(*range(2, p.dim()), 1, 0)


def from_foglift(name: str, p: Tensor) -> Tensor:
    """The inverse of to_foglift."""
    return p if p.dim() == 1 or "position" in name else p.permute(-1, -2, *range(p.dim() - 2))
