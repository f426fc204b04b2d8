#!/usr/bin/env python3
"""Writes tests/data/reference_torch.safetensors: what PyTorch computes for a tiny U-Net, a tiny
diffusion transformer, a GRU and an LSTM. Made with PyTorch 1.13.1 (Debian 12's python3-torch):

    /usr/bin/python3 tests/reference/make_reference.py tests/data/reference_torch.safetensors

For each denoiser: x, time, target and initial weights in float; the output and the losses of ten Adam
steps on mean((net(x, time) - target)^2) in float and double; the gradients of the first loss in double.
Names and layouts are foglift's: channels last, [in, out], [k, in, out]."""
import json
import math
import struct
import sys

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F


def features(time, width):
    """cos | sin of 1000 t at frequencies 10000^(-i / (width / 2)), computed in double"""
    half = width // 2
    f = torch.exp(torch.arange(half, dtype=torch.float64) * (-math.log(10000.0) / half))
    angle = 1000 * time.double()[:, None] * f
    return torch.cat([torch.cos(angle), torch.sin(angle)], dim=1).to(time.dtype)


class TimeEmbedding(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.width, self.fc1, self.fc2 = width, nn.Linear(width, out), nn.Linear(out, out)

    def forward(self, time):
        return F.silu(self.fc2(F.silu(self.fc1(features(time, self.width)))))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):  # [B, N, C]
        b, n, c = x.shape
        d = c // self.heads
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, d).permute(2, 0, 3, 1, 4).unbind(0)
        a = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(d), dim=-1)
        return self.proj((a @ v).transpose(1, 2).reshape(b, n, c))


class ResBlock(nn.Module):
    def __init__(self, cin, cout, embedding, groups):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, cin), nn.Conv1d(cin, cout, 3, padding=1)
        self.embed = nn.Linear(embedding, cout)
        self.norm2, self.conv2 = nn.GroupNorm(groups, cout), nn.Conv1d(cout, cout, 3, padding=1)
        self.skip = nn.Conv1d(cin, cout, 1) if cin != cout else None

    def forward(self, x, e):
        h = self.conv1(F.silu(self.norm1(x))) + self.embed(e)[:, :, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (self.skip(x) if self.skip else x)


class AttentionBlock(nn.Module):
    def __init__(self, width, heads, groups):
        super().__init__()
        self.norm, self.attention = nn.GroupNorm(groups, width), Attention(width, heads)

    def forward(self, x):
        return x + self.attention(self.norm(x).transpose(1, 2)).transpose(1, 2)


class Level(nn.Module):
    def __init__(self, blocks, attention, resample):
        super().__init__()
        self.blocks, self.attention = nn.ModuleList(blocks), nn.ModuleList(attention)
        self.resample = resample

    def block(self, i, h, e):
        h = self.blocks[i](h, e)
        return self.attention[i](h) if len(self.attention) else h


class UNet(nn.Module):
    """in = out = 2, one block a level, attention at the coarser of two levels and in the middle"""

    def __init__(self, width=6, embedding=12, heads=2, groups=3):
        super().__init__()
        a, b = width, 2 * width
        block = lambda i, o: ResBlock(i, o, embedding, groups)
        attend = lambda: AttentionBlock(b, heads, groups)
        self.embedding = TimeEmbedding(width, embedding)
        self.input = nn.Conv1d(2, a, 3, padding=1)
        self.down = nn.ModuleList([
            Level([block(a, a)], [], nn.Conv1d(a, a, 3, stride=2, padding=1)),
            Level([block(a, b)], [attend()], None)])
        self.middle = Level([block(b, b), block(b, b)], [attend()], None)
        self.up = nn.ModuleList([
            Level([block(2 * b, b), block(b + a, b)], [attend(), attend()],
                  nn.Conv1d(b, b, 3, padding=1)),
            Level([block(b + a, a), block(2 * a, a)], [], None)])
        self.norm, self.output = nn.GroupNorm(groups, a), nn.Conv1d(a, 2, 3, padding=1)

    def forward(self, x, time):
        e = self.embedding(time)
        h = self.input(x.transpose(1, 2))
        skips = [h]
        for level in self.down:
            h = level.block(0, h, e)
            skips.append(h)
            if level.resample:
                h = level.resample(h)
                skips.append(h)
        h = self.middle.blocks[0](h, e)
        h = self.middle.blocks[1](self.middle.attention[0](h), e)
        for level in self.up:
            for i in range(2):
                h = level.block(i, torch.cat([h, skips.pop()], dim=1), e)
            if level.resample:  # an odd extent was halved upwards: cut what doubling added
                h = F.interpolate(h, scale_factor=2.0, mode="nearest")[:, :, :skips[-1].shape[2]]
                h = level.resample(h)
        return self.output(F.silu(self.norm(h))).transpose(1, 2)


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


def modulate(x, shift, scale):
    return F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift


class DitBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.attention, self.ff = Attention(width, heads), FeedForward(width)
        self.modulation = nn.Linear(width, 6 * width)

    def forward(self, x, e):
        s1, c1, g1, s2, c2, g2 = self.modulation(e)[:, None].chunk(6, dim=-1)
        x = x + g1 * self.attention(modulate(x, s1, c1))
        return x + g2 * self.ff(modulate(x, s2, c2))


class AdaLayerNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.film = nn.ModuleDict({"linear": nn.Linear(width, 2 * width)})

    def forward(self, x, e):
        shift, scale = self.film["linear"](e)[:, None].chunk(2, dim=-1)
        return modulate(x, shift, scale)


class Dit(nn.Module):
    """in = out = 3, patches of 2, learned positions of 4 patches"""

    def __init__(self, width=12, depth=2, heads=3):
        super().__init__()
        self.embedding = TimeEmbedding(width, width)
        self.input = nn.Linear(6, width)
        self.position = nn.ParameterDict({"weight": nn.Parameter(torch.randn(4, width) * 0.02)})
        self.blocks = nn.ModuleList([DitBlock(width, heads) for _ in range(depth)])
        self.norm, self.output = AdaLayerNorm(width), nn.Linear(width, 6)

    def forward(self, x, time):
        e = self.embedding(time)
        h = self.input(x.reshape(x.shape[0], 4, 6)) + self.position["weight"]
        for block in self.blocks:
            h = block(h, e)
        return self.output(self.norm(h, e)).reshape(x.shape)


def to_foglift(name, t):
    """a PyTorch weight or its gradient in foglift's layout"""
    t = t.detach()
    if t.dim() == 3:
        t = t.permute(2, 1, 0)
    elif t.dim() == 2 and "position" not in name:
        t = t.t()
    return t.contiguous().numpy()


def denoiser(result, label, net, x, time, target):
    result[f"{label}/x"], result[f"{label}/time"] = x.numpy(), time.numpy()
    result[f"{label}/target"] = target.numpy()
    for name, p in net.named_parameters():
        result[f"{label}/weight/{name}"] = to_foglift(name, p).copy()
    initial = {name: p.detach().clone() for name, p in net.named_parameters()}
    for dtype, kind in ((torch.float32, "f32"), (torch.float64, "f64")):
        net = net.to(dtype)
        net.load_state_dict(initial)
        adam, losses = torch.optim.Adam(net.parameters(), lr=1e-2), []
        for step in range(10):
            y = net(x.to(dtype), time.to(dtype))
            loss = F.mse_loss(y, target.to(dtype))
            adam.zero_grad()
            loss.backward()
            if step == 0:
                result[f"{label}/output/{kind}"] = y.detach().contiguous().numpy().copy()
                if kind == "f64":
                    for name, p in net.named_parameters():
                        result[f"{label}/gradient/{name}"] = to_foglift(name, p.grad).copy()
            losses.append(loss.item())
            adam.step()
        result[f"{label}/losses/{kind}"] = np.array(losses, dtype=y.detach().numpy().dtype)


def recurrent(result, label, net, x):
    result[f"{label}/x"] = x.numpy()
    for name, p in net.named_parameters():  # weight_ih_l0
        matrix, layer = name.rsplit("_l", 1)
        result[f"{label}/weight/cells.{layer}.{matrix}"] = to_foglift(name, p).copy()
    y, state = net.double()(x.double())
    hidden, cell = state if isinstance(state, tuple) else (state, None)
    result[f"{label}/sequence"] = y.detach().numpy()
    result[f"{label}/hidden"] = hidden.detach().numpy()
    if cell is not None:
        result[f"{label}/cell"] = cell.detach().numpy()


def write_safetensors(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name in sorted(tensors, key=lambda n: (-tensors[n].itemsize, n)):  # doubles first: aligned
        raw = np.ascontiguousarray(tensors[name]).tobytes()
        kind = {4: "F32", 8: "F64"}[tensors[name].itemsize]
        header[name] = {"dtype": kind, "shape": list(tensors[name].shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def main(path):
    torch.set_num_threads(1)
    torch.manual_seed(20)
    result = {}
    time = torch.tensor([1, 20, 63], dtype=torch.float32) / 64
    denoiser(result, "unet1d", UNet(), torch.randn(3, 11, 2), time, torch.randn(3, 11, 2))
    denoiser(result, "dit1d", Dit(), torch.randn(3, 8, 3), time, torch.randn(3, 8, 3))
    recurrent(result, "gru", nn.GRU(3, 4, num_layers=2, batch_first=True), torch.randn(2, 5, 3))
    recurrent(result, "lstm", nn.LSTM(3, 4, num_layers=2, batch_first=True), torch.randn(2, 5, 3))
    write_safetensors(path, result, {"made_by": f"PyTorch {torch.__version__}"})


if __name__ == "__main__":
    main(sys.argv[1])
