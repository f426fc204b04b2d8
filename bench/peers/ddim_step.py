#!/usr/bin/env python3
"""One DDIM step in PyTorch, beside the same step of bench_solvers.

  python3 bench/peers/ddim_step.py build/release/bench/bench_solvers

Rounds alternate between the two programs; printed are medians of each and of their ratios. The model is a copy of its input on
both sides. "plain" looks alpha-bar up in a tensor and computes with 0-d tensors, as most published code does; "lean" has Python
floats made in advance, the least that eager PyTorch can do. One thread. Needs PyTorch (Debian: python3-torch, run with /usr/bin/python3).
"""
import json
import statistics
import subprocess
import sys
import time

import torch

SHAPES = {"64x96x1": (64, 96, 1), "1x96x1": (1, 96, 1), "16x32x32x3": (16, 32, 32, 3)}
ROUNDS = 7


def seconds(f):
    for _ in range(20):
        f()
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        for _ in range(50):
            f()
        best = min(best, (time.perf_counter() - start) / 50)
    return best


@torch.no_grad()
def torch_steps(shape):
    alpha_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0)
    x = torch.randn(shape)
    t, previous = torch.tensor(500), torch.tensor(480)

    def plain():
        eps = x.clone()
        now, then = alpha_bar[t], alpha_bar[previous]
        x0 = (x - (1 - now).sqrt() * eps) / now.sqrt()
        return then.sqrt() * x0 + (1 - then).sqrt() * eps

    a, s = float(alpha_bar[500]) ** 0.5, float(1 - alpha_bar[500]) ** 0.5
    b, r = float(alpha_bar[480]) ** 0.5, float(1 - alpha_bar[480]) ** 0.5

    def lean():
        eps = x.clone()
        return torch.add(x.mul(b / a), eps, alpha=r - b * s / a)

    return seconds(plain), seconds(lean)


def ours(program):
    out = subprocess.run([program, "--benchmark_filter=^DDIM/", "--benchmark_format=json", "--benchmark_min_time=0.1"],
                         check=True, capture_output=True, text=True).stdout
    found = {}
    for b in json.loads(out)["benchmarks"]:
        found[b["name"].split("/")[1]] = b["real_time"] * 1e-9
    return found


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    rounds = []
    for _ in range(ROUNDS):
        mine = ours(sys.argv[1])
        for name, shape in SHAPES.items():
            rounds.append((name, mine[name], *torch_steps(shape)))
    print(f"PyTorch {torch.__version__}, {ROUNDS} rounds, microseconds a step")
    print(f"{'shape':12} {'foglift':>9} {'plain':>9} {'lean':>9} {'plain/foglift':>14} {'lean/foglift':>13}")
    for name in SHAPES:
        own = [r[1:] for r in rounds if r[0] == name]
        median = [statistics.median(1e6 * r[k] for r in own) for k in range(3)]
        ratio = [statistics.median(r[k] / r[0] for r in own) for k in (1, 2)]
        print(f"{name:12} {median[0]:9.2f} {median[1]:9.2f} {median[2]:9.2f} {ratio[0]:14.1f} {ratio[1]:13.1f}")


if __name__ == "__main__":
    main()
