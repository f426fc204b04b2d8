#!/usr/bin/env python3
"""Writes tests/data/reference_shelf.safetensors: what PyTorch computes for the operations and blocks
that foglift took from published models, in double. Made with PyTorch 2.15.0 (pip install torch numpy):

    python3 tests/reference/make_shelf.py tests/data/reference_shelf.safetensors

For each label: inputs, weights under foglift's names and layouts, the output, a seed of its shape, and
the gradients of sum(seed * output) to inputs and weights. The blocks are those of the published code
(DiffWave, CSDI, S4D, SPADE), written with PyTorch's own layers."""
import math
import sys

import torch
from torch import nn
import torch.nn.functional as F

from make_reference import TimeEmbedding, to_foglift, write_safetensors

torch.set_default_dtype(torch.float64)


def last(x):  # [B, C, ...] -> [B, ..., C]
    return x.movedim(1, -1)


def first(x):  # [B, ..., C] -> [B, C, ...]
    return x.movedim(-1, 1)


def layout(p):
    """a weight in foglift's layout: [in, out], [k, in, out], [kh, kw, in, out]"""
    return p.permute(2, 3, 1, 0) if p.dim() == 4 else torch.from_numpy(to_foglift("", p))


def record(result, label, inputs, weights, f):
    """inputs and weights: name -> tensor; a weight may be a pair of it and a function to its layout"""
    leaves = {n: t.detach().clone().requires_grad_() for n, t in inputs.items()}
    y = f(**leaves)
    seed = torch.randn(y.shape)
    (y * seed).sum().backward()
    keep = lambda n, t: result.__setitem__(f"{label}/{n}", t.detach().contiguous().numpy().copy())
    keep("y", y)
    keep("seed", seed)
    for n, t in leaves.items():
        keep(n, t)
        keep(f"gradient/{n}", t.grad)
    for n, p in weights.items():
        keep(f"weight/{n}", layout(p))
        if p.grad is not None:
            keep(f"gradient/{n}", layout(p.grad))


def parameters(renamed):
    """weights by foglift's name from {prefix: layer}"""
    return {f"{prefix}.{n}": p for prefix, layer in renamed.items() for n, p in layer.named_parameters()}


def operations(result):
    x, points = torch.randn(2, 4, 5, 3), 1.4 * (2 * torch.rand(2, 9, 2) - 1)
    for align in (False, True):
        for outside in ("zeros", "border"):
            record(result, f"points_{outside}_{int(align)}", {"x": x, "points": points}, {},
                   lambda x, points: F.grid_sample(first(x), points[:, :, None], "bilinear", outside,
                                                   align)[..., 0].transpose(1, 2))
        for n in (3, 8):
            record(result, f"resize_{n}_{int(align)}", {"x": torch.randn(2, 5, 3)}, {},
                   lambda x: last(F.interpolate(first(x), size=n, mode="linear", align_corners=align)))
        record(result, f"resize2_{int(align)}", {"x": x}, {},
               lambda x: last(F.interpolate(first(x), size=(7, 2), mode="bilinear", align_corners=align)))


def state_space(result, H=3, N=4):
    """s4d.py of state-spaces/s4: the kernel by a Vandermonde product, the convolution by FFT"""
    log_dt = nn.Parameter(torch.rand(H) * (math.log(0.1) - math.log(0.001)) + math.log(0.001))
    log_a = nn.Parameter(torch.log(0.5 * torch.ones(H, N)))
    a_im = nn.Parameter(math.pi * torch.arange(N, dtype=torch.float64).repeat(H, 1))
    c, d = nn.Parameter(torch.randn(2, H, N)), nn.Parameter(torch.randn(H))

    def layer(x):  # [B, L, H]
        u, L = x.transpose(1, 2), x.shape[1]
        dt, C, A = torch.exp(log_dt), torch.complex(c[0], c[1]), torch.complex(-torch.exp(log_a), a_im)
        dtA = A * dt[:, None]
        K = dtA[..., None] * torch.arange(L)
        C = C * (torch.exp(dtA) - 1.0) / A
        k = 2 * torch.einsum("hn,hnl->hl", C, torch.exp(K)).real
        y = torch.fft.irfft(torch.fft.rfft(u, n=2 * L) * torch.fft.rfft(k, n=2 * L), n=2 * L)[..., :L]
        return (y + u * d[:, None]).transpose(1, 2)

    weights = {"log_dt": log_dt, "log_a": log_a, "a_im": a_im, "c": c, "d": d}
    record(result, "state_space", {"x": torch.randn(2, 12, H)}, {}, layer)
    for n, p in weights.items():
        result[f"state_space/weight/{n}"] = p.detach().numpy()
        result[f"state_space/gradient/{n}"] = p.grad.numpy()


def graph_conv(result, nodes=4):
    a, b = torch.rand(nodes, nodes), torch.rand(nodes, nodes)
    a[0, 2] = a[1, 1] = b[3, 0] = 0
    linear = nn.Linear(5 * 3, 2)

    def layer(x):  # [B, L, N, C]
        hop = lambda m, h: torch.einsum("ij,bljc->blic", m, h)
        terms = [x]
        for m in (a, b):
            terms += [hop(m, x), hop(m, hop(m, x))]
        return linear(torch.cat(terms, dim=-1))

    record(result, "graph_conv", {"x": torch.randn(2, 3, nodes, 3)}, parameters({"linear": linear}), layer)
    result["graph_conv/a"], result["graph_conv/b"] = a.numpy(), b.numpy()


def quantizer(result, K=6, D=2):
    book = nn.Parameter(torch.randn(K, D))

    def layer(z):
        flat = z.reshape(-1, D)
        codes = torch.cdist(flat, book).argmin(dim=1)
        e = book[codes].view(z.shape)
        loss = F.mse_loss(e, z.detach()) + 0.25 * F.mse_loss(z, e.detach())
        return torch.cat([(z + (e - z).detach()).flatten(), loss[None]])

    record(result, "quantizer", {"z": torch.randn(3, 4, D)}, {}, layer)
    result["quantizer/weight/codebook"] = book.detach().numpy()
    result["quantizer/gradient/codebook"] = book.grad.numpy()


class Spade(nn.Module):
    def __init__(self, channels, label, hidden, groups, conv):
        super().__init__()
        self.groups = groups
        self.shared = conv(label, hidden, 3, padding=1)
        self.scale, self.shift = conv(hidden, channels, 3, padding=1), conv(hidden, channels, 3, padding=1)

    def forward(self, x, m):
        mode = "linear" if x.dim() == 3 else "bilinear"
        m = F.interpolate(m, size=x.shape[2:], mode=mode, align_corners=False)
        h = F.relu(self.shared(m))
        return F.group_norm(x, self.groups) * (1 + self.scale(h)) + self.shift(h)


class SpadeBlock(nn.Module):
    def __init__(self, cin, cout, label, embedding, conv):
        super().__init__()
        self.spade1, self.conv1 = Spade(cin, label, 3, 2, conv), conv(cin, cout, 3, padding=1)
        self.embed = nn.Linear(embedding, cout)
        self.spade2, self.conv2 = Spade(cout, label, 3, 2, conv), conv(cout, cout, 3, padding=1)
        self.skip = conv(cin, cout, 1)

    def forward(self, x, m, e):
        h = self.conv1(F.silu(self.spade1(x, m)))
        e = self.embed(e)
        h = h + e.view(*e.shape, *([1] * (x.dim() - 2)))
        return self.skip(x) + self.conv2(F.silu(self.spade2(h, m)))


def spade(result):
    for label, conv, x, m in (("spade1", nn.Conv1d, torch.randn(2, 6, 4), torch.randn(2, 4, 2)),
                              ("spade2", nn.Conv2d, torch.randn(2, 4, 3, 4), torch.randn(2, 2, 3, 2))):
        block = SpadeBlock(4, 6, 2, 3, conv)
        record(result, label, {"x": x, "map": m, "e": torch.randn(2, 3)}, dict(block.named_parameters()),
               lambda x, map, e: last(block(first(x), first(map), e)))


def two_axis(result, C=4, heads=2, hidden=6):
    """ResidualBlock of ermongroup/CSDI, with channels last"""
    encoder = lambda: nn.TransformerEncoderLayer(C, heads, hidden, dropout=0.0, activation="gelu",
                                                 batch_first=True)
    times, series = encoder(), encoder()
    step, told, middle, out = nn.Linear(5, C), nn.Linear(3, 2 * C), nn.Linear(C, 2 * C), nn.Linear(C, 2 * C)

    def layer(x, e, c):  # [B, L, K, C]
        B, L, K, _ = x.shape
        h = x + step(e)[:, None, None]
        h = times(h.transpose(1, 2).reshape(B * K, L, C)).view(B, K, L, C).transpose(1, 2)
        h = series(h.reshape(B * L, K, C)).view(B, L, K, C)
        gate, filter = torch.chunk(middle(h) + told(c), 2, dim=-1)
        residual, skip = torch.chunk(out(torch.sigmoid(gate) * torch.tanh(filter)), 2, dim=-1)
        return torch.cat([(x + residual) / math.sqrt(2.0), skip], dim=-1)

    weights = parameters({"gated.embed": step, "gated.condition": told, "middle": middle, "gated.output": out})
    for axis, net in (("times", times), ("series", series)):
        for n, p in net.named_parameters():
            for theirs, ours in (("self_attn.in_proj_", "attention.qkv."), ("self_attn.out_proj", "attention.proj"),
                                 ("linear1", "ff.fc1"), ("linear2", "ff.fc2")):
                n = n.replace(theirs, ours)
            weights[f"{axis}.{n}"] = p
    record(result, "two_axis", {"x": torch.randn(2, 5, 3, C), "e": torch.randn(2, 5), "c": torch.randn(2, 5, 3, 3)},
           weights, layer)


class DiffWaveBlock(nn.Module):
    """ResidualBlock of lmnt-com/diffwave, its 1 x 1 convolutions as linear layers"""

    def __init__(self, C, embedding, label, dilation):
        super().__init__()
        self.gated = nn.ModuleDict({"embed": nn.Linear(embedding, C), "condition": nn.Linear(label, 2 * C),
                                    "output": nn.Linear(C, 2 * C)})
        self.conv = nn.Conv1d(C, 2 * C, 3, padding=dilation, dilation=dilation)

    def forward(self, x, e, c):  # [B, L, C]
        h = last(self.conv(first(x + self.gated["embed"](e)[:, None]))) + self.gated["condition"](c)
        gate, filter = torch.chunk(h, 2, dim=-1)
        residual, skip = torch.chunk(self.gated["output"](torch.sigmoid(gate) * torch.tanh(filter)), 2, dim=-1)
        return (x + residual) / math.sqrt(2.0), skip


class DiffWave(nn.Module):
    def __init__(self, C=4, width=6, depth=3, cycle=2):
        super().__init__()
        self.embedding = TimeEmbedding(C, width)
        self.input, self.skip, self.output = nn.Linear(2, C), nn.Linear(C, C), nn.Linear(C, 3)
        self.blocks = nn.ModuleList([DiffWaveBlock(C, width, 2, 2 ** (i % cycle)) for i in range(depth)])

    def forward(self, x, time, map):
        e, h, skips = self.embedding(time), F.relu(self.input(x)), 0
        for block in self.blocks:
            h, skip = block(h, e, map)
            skips = skips + skip
        return self.output(F.relu(self.skip(skips / math.sqrt(len(self.blocks)))))


def wavenet(result):
    block = DiffWaveBlock(4, 5, 3, 2)
    record(result, "wavenet", {"x": torch.randn(2, 9, 4), "e": torch.randn(2, 5), "c": torch.randn(2, 9, 3)},
           dict(block.named_parameters()), lambda x, e, c: torch.cat(block(x, e, c), dim=-1))


def diffwave(result):
    net, time = DiffWave(), torch.tensor([1.0, 20.0]) / 64
    record(result, "diffwave", {"x": torch.randn(2, 9, 2), "map": torch.randn(2, 9, 2)},
           dict(net.named_parameters()), lambda x, map: net(x, time, map))
    result["diffwave/time"] = time.numpy()


class PlainResBlock(nn.Module):
    def __init__(self, cin, cout, groups, conv):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, cin), conv(cin, cout, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(groups, cout), conv(cout, cout, 3, padding=1)
        self.skip = conv(cin, cout, 1) if cin != cout else None

    def forward(self, x):
        h = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return h + (self.skip(x) if self.skip else x)


class Codec(nn.Module):
    """levels of the given widths; down: each but the last ends in a convolution of stride 2, up: each but
    the last ends in doubling and a convolution"""

    def __init__(self, cin, widths, cout, groups, conv, down):
        super().__init__()
        self.down, self.input = down, conv(cin, widths[0], 3, padding=1)
        self.levels = nn.ModuleList()
        for i, width in enumerate(widths):
            level = nn.ModuleDict({"blocks": nn.ModuleList([PlainResBlock(widths[max(i - 1, 0)], width, groups, conv)])})
            if i + 1 < len(widths):
                level["resample"] = conv(width, width, 3, padding=1, stride=2 if down else 1)
            self.levels.append(level)
        self.norm, self.output = nn.GroupNorm(groups, widths[-1]), conv(widths[-1], cout, 3, padding=1)

    def forward(self, x):
        h = self.input(x)
        for level in self.levels:
            h = level["blocks"][0](h)
            if "resample" in level:
                h = level["resample"](h if self.down else F.interpolate(h, scale_factor=2.0))
        return self.output(F.silu(self.norm(h)))


def autoencoders(result):
    """2 channels, widths 4 and 8, latents of 3"""
    encoder, decoder = Codec(2, (4, 8), 6, 2, nn.Conv1d, True), Codec(3, (8, 4), 2, 2, nn.Conv1d, False)

    def kl(x, noise):
        mean, log_variance = encoder(first(x)).chunk(2, dim=1)
        y = last(decoder(mean + torch.exp(0.5 * log_variance) * first(noise)))
        divergence = 0.5 * torch.sum(mean ** 2 + log_variance.exp() - 1.0 - log_variance, dim=[1, 2])
        return torch.cat([y.flatten(), divergence.mean()[None]])

    weights = parameters({"encoder": encoder, "decoder": decoder})
    record(result, "kl", {"x": torch.randn(2, 6, 2), "noise": torch.randn(2, 3, 3)}, weights, kl)

    encoder, decoder = Codec(2, (4, 8), 3, 2, nn.Conv2d, True), Codec(3, (8, 4), 2, 2, nn.Conv2d, False)
    book = nn.Parameter(torch.randn(5, 3))

    def vq(x):
        z = last(encoder(first(x)))
        e = book[torch.cdist(z.reshape(-1, 3), book).argmin(dim=1)].view(z.shape)
        loss = F.mse_loss(e, z.detach()) + 0.25 * F.mse_loss(z, e.detach())
        return torch.cat([last(decoder(first(z + (e - z).detach()))).flatten(), loss[None]])

    weights = parameters({"encoder": encoder, "decoder": decoder})
    record(result, "vq", {"x": torch.randn(2, 4, 6, 2)}, weights, vq)
    result["vq/weight/quantizer.codebook"] = book.detach().numpy()
    result["vq/gradient/quantizer.codebook"] = book.grad.numpy()


def main(path):
    torch.set_num_threads(1)
    torch.manual_seed(20)
    result = {}
    for part in (operations, state_space, graph_conv, quantizer, spade, wavenet, two_axis, diffwave,
                 autoencoders):
        part(result)
    write_safetensors(path, result, {"made_by": f"PyTorch {torch.__version__}"})


if __name__ == "__main__":
    main(sys.argv[1])
