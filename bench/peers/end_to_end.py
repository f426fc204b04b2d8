#!/usr/bin/env python3
"""What people run for minutes, here and in other libraries, alternated in one run.

  python3 bench/peers/end_to_end.py --data DIR --python /opt/torch2/bin/python
  python3 bench/peers/end_to_end.py --data DIR --series 9 --paths 10 --images 450 --rounds 3      # a quick look

(a) sample paths of the series of M4-Hourly, 48 steps each, by the network and sampler of the forecasting program; (b) the
features of images at 8 noise levels, of all blocks of unet2d; (c) an epoch of training of each network. Weights and inputs
are foglift's (bench/end_to_end.cpp): what the others make of the first of them is compared with what it makes, and the largest
difference printed, over the largest value. A run is cut into rounds, in each of which the contenders take turns; a ratio is the
peer's seconds over foglift's of all rounds. DIR holds m4/Hourly-{train,test}.csv.
"""
import argparse
import json
import os
import struct
import sys
import tempfile
import time
from typing import Dict, List

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH, LEVELS, HORIZON = 64, 8, 48
IMAGE_BATCH = 50


# ---- a peer ----------------------------------------------------------------------------------------------------------------------


def read_safetensors(path: str) -> dict:
    import torch

    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), bytearray(file.read())
    header.pop("__metadata__", None)
    found = {}
    for name, info in header.items():
        first, last = info["data_offsets"]
        found[name] = torch.frombuffer(data[first:last], dtype=torch.float32).reshape(info["shape"])
    return found


def serve(kind: str, threads: int, folder: str) -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # libraries print warnings
    try:
        import torch
        import torch.nn.functional as F

        import models
        import serve as peers

        contender = peers.CONTENDERS[kind](threads)
    except ImportError as error:
        print(f"missing {error}", file=answers)
        return
    if contender.settings != ["-"]:
        contender.use("medium")  # the errors tell whether that is single precision

    def load(net, tensors):
        weights = {name[7:]: t for name, t in tensors.items() if name.startswith("weight/")}
        net.load_state_dict({name: models.from_foglift(name, t).contiguous() for name, t in weights.items()})
        return net

    class Features(torch.nn.Module):
        """The means over space of what each block makes of x, side by side."""

        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, x, t):
            taps: List[torch.Tensor] = []
            self.net(x, t, taps)
            return torch.cat([h.flatten(2).mean(2) for h in taps], dim=1)

    class Prepared:
        """The net at one shape: run(x, t) -> y."""

        def __init__(self, net, x, t):
            self.arrays = None
            if isinstance(contender, peers.Graph):
                self.call, self.arrays = contender.export(net, x, t)
                self.bound = contender.bound
            else:
                with torch.no_grad():
                    self.call = contender.prepare(net, x, t)

        def __call__(self, x, t):
            if self.arrays is None:
                with torch.no_grad():
                    return self.call(x, t)
            import numpy as np

            self.arrays["x"][...] = np.asarray(x)
            self.arrays["t"][...] = np.asarray(t)
            self.call()
            return torch.from_numpy(self.arrays["y"]).clone()

    series = read_safetensors(os.path.join(folder, "paths.safetensors"))
    features, levels = series["features"].transpose(1, 2).contiguous(), series["levels"].tolist()  # [S, F, 48]
    channels = 1 + features.shape[1]
    forecaster = load(models.UNet(torch.nn.Conv1d, channels, 24, [1, 2, 2], 1, out=1, embedding=96, attention=False,
                                  dropout=0.3), series)
    images = read_safetensors(os.path.join(folder, "images.safetensors"))
    denoiser = load(models.make("unet2d"), images)
    image_levels = images["levels"].tolist()
    made: Dict[tuple, Prepared] = {}

    def prepared(name: str, net, x, t):
        key = (name, x.shape[0])
        if key not in made:
            made[key] = Prepared(net, x, t)
        return made[key]

    def draw(s: int, x):
        """DDIM of the network's velocities from the noise x [paths, 1, 48]"""
        x, told = x * levels[0][2], features[s:s + 1].expand(x.shape[0], -1, -1)
        for (t, a, b), (_, next_a, next_b) in zip(levels, levels[1:]):
            v = prepared("paths", forecaster.eval(), torch.cat([x, told], 1), torch.full((x.shape[0],), 1000 * t))(
                torch.cat([x, told], 1), torch.full((x.shape[0],), 1000 * t))
            x = next_a * (a * x - b * v) + next_b * (b * x + a * v)
        return x

    def extract(x0, eps):
        found = []
        for t, a, b in image_levels:
            x, at = a * x0 + b * eps, torch.full((x0.shape[0],), t)
            found.append(prepared("features", extractor, x, at)(x, at))
        return found

    extractor = Features(denoiser).eval()
    steps: Dict[str, object] = {}

    def trainer(name: str, net, batch_of):
        optimizer = peers.optimizer_of(list(net.train().parameters()))
        fast = contender.prepare_training(net)

        def step(i: int):
            x, t, target = batch_of(i)
            optimizer.zero_grad(set_to_none=True)
            F.mse_loss(fast(x, t), target).backward()
            optimizer.step()
        return step

    def windows(i: int):
        rows = (torch.arange(BATCH) + i * BATCH) % features.shape[0]
        x0, eps, t = series["target"][rows].transpose(1, 2), torch.randn(BATCH, 1, HORIZON), torch.rand(BATCH)
        a, b = torch.cos(t * (3.14159265 / 2))[:, None, None], torch.sin(t * (3.14159265 / 2))[:, None, None]
        return torch.cat([a * x0 + b * eps, features[rows]], 1), 1000 * t, a * eps - b * x0

    fixed = (torch.randn(BATCH, *models.SHAPES["unet2d"]), (17 + 37 * torch.arange(BATCH)) % 1000,
             torch.randn(BATCH, *models.SHAPES["unet2d"]))

    def run(work: str, first: int, count: int, each: int) -> None:
        if work == "paths":
            for s in range(first, first + count):
                draw(s, torch.randn(each, 1, HORIZON))
        elif work == "features":
            for _ in range(0, count, IMAGE_BATCH):
                shape = (IMAGE_BATCH,) + models.SHAPES["unet2d"]
                extract(torch.randn(shape), torch.randn(shape))
        else:
            if isinstance(contender, peers.Graph):
                raise NotImplementedError(f"{contender.name} does not train")
            if work not in steps:
                steps[work] = (trainer(work, forecaster, windows) if work == "train_paths" else
                               trainer(work, denoiser, lambda _: fixed))
            for i in range(first, first + count):
                steps[work](i)

    def error(work: str) -> float:
        if work == "paths":
            return peers.distance([models.moved(draw(0, series["noise"].transpose(1, 2).contiguous()))], [series["y"].double()])
        to = lambda x: x.permute(0, 3, 1, 2).contiguous()
        return peers.distance(extract(to(images["x0"]), to(images["eps"])), list(images["y"].double()))

    print("ready", contender.about(), file=answers)
    for line in sys.stdin:
        words = line.split()
        try:
            if words[0] == "error":
                print(error(words[1]), file=answers)
                continue
            start = time.perf_counter()
            run(words[0], *map(int, words[1:4]))
            print(time.perf_counter() - start, file=answers)
        except Exception as problem:
            print(f"! {type(problem).__name__}: {problem}".replace("\n", " ")[:300], file=answers)


# ---- the run ---------------------------------------------------------------------------------------------------------------------


def portions(whole: int, rounds: int) -> List[tuple]:
    """(first, count) of each round"""
    ends = [whole * i // rounds for i in range(rounds + 1)]
    return [(a, b - a) for a, b in zip(ends, ends[1:]) if b > a]


def main() -> None:
    import compare

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--ours", default=os.path.join(compare.ROOT, "build/release/bench/end_to_end"))
    parser.add_argument("--python", nargs="+", default=[sys.executable], help="Pythons whose packages are compared")
    parser.add_argument("--contenders", nargs="+", default=["eager", "optimised", "openvino", "openvino_bf16"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--series", type=int, default=414)
    parser.add_argument("--paths", type=int, default=100, help="of each series")
    parser.add_argument("--images", type=int, default=10000, help="whole rounds of batches of 50 are taken")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--works", nargs="+", default=["paths", "features", "train_paths", "train_images"])
    parser.add_argument("--markdown", metavar="FILE", help="a page to put the table into")
    parser.add_argument("--log", default=os.devnull, metavar="FILE", help="what the peers say on standard error")
    args = parser.parse_args()

    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[-args.threads:])
    images = [(f * IMAGE_BATCH, n * IMAGE_BATCH) for f, n in portions(args.images // IMAGE_BATCH, args.rounds)]
    works = {"paths": ([f"{f} {n} {args.paths}" for f, n in portions(args.series, args.rounds)],
                       f"{args.paths} paths of {args.series} series"),
             "features": ([f"{f} {n} 0" for f, n in images], f"features of {args.images} images at {LEVELS} levels"),
             # An epoch: 100 windows of each series; every image once.
             "train_paths": ([f"{f} {n} 0" for f, n in portions(-(-args.series * 100 // BATCH), args.rounds)],
                             f"an epoch of {args.series * 100} windows"),
             "train_images": ([f"{f} {n} 0" for f, n in portions(-(-args.images // BATCH), args.rounds)],
                              f"an epoch of {args.images} images")}
    with tempfile.TemporaryDirectory() as folder, open(args.log, "a") as log:
        ours = compare.Contender([args.ours, str(args.threads), folder, args.data], args.threads, log)
        if ours.missing:
            sys.exit(f"{args.ours} does not run ({ours.missing}); cmake --workflow --preset release builds it")
        half = compare.Contender([args.ours, str(args.threads), folder, args.data, "bf16"], args.threads, log)
        contenders = [ours] + ([] if half.missing else [half])
        for python in args.python:
            for kind in args.contenders:
                c = compare.Contender([python, "-W", "ignore", os.path.abspath(__file__), "serve", kind, str(args.threads), folder],
                                      args.threads, log)
                print(f"NOT FOUND: {kind}: {c.missing}" if c.missing else f"{c.name}: {c.about}", flush=True)
                contenders += [] if c.missing else [c]
        rows = []
        for work in args.works:
            requests, title = works[work]
            errors, able = {}, []
            for c in contenders:  # prepares, and tells who can do it
                first = requests[0].split()
                warm = f"{work} 0 {IMAGE_BATCH if work == 'features' else 1} {first[2]}"
                if not c.ask(warm):
                    if "NotImplemented" not in c.refusal:
                        print(f"  {work}: {c.name}: {c.refusal}", flush=True)
                    continue
                able.append(c)
                if c is not ours and not work.startswith("train"):
                    errors[c.name] = c.ask(f"error {work}")
            times: Dict[str, List[float]] = {c.name: [] for c in able}
            for request in requests:
                for c in able:
                    time.sleep(compare.PAUSE)
                    times[c.name] += c.ask(f"{work} {request}")
            own = sum(times["foglift"])
            cells = [title, f"{own:.3g} s"]
            for c in contenders[1:]:
                ratio = f"{sum(times[c.name]) / own:.2f} ({sum(times[c.name]):.3g} s)" if c.name in times else ""
                if ratio and errors.get(c.name):
                    ratio += f", {errors[c.name][0]:.0e}"
                cells.append(ratio)
            rows.append(cells)
            print(" | ".join(cells), flush=True)
        for c in contenders:
            c.close()
    table = "\n".join([f"{compare.machine(len(cores))}; {time.strftime('%Y-%m-%d')}; {args.threads} thread"
                       f"{'s' if args.threads > 1 else ''}.", "",
                       compare.table(["work", "foglift"] + [c.name for c in contenders[1:]], rows)])
    if args.markdown:
        compare.put(args.markdown, "end_to_end", table)


if __name__ == "__main__":
    sys.path.insert(0, HERE)
    if len(sys.argv) == 5 and sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        main()
