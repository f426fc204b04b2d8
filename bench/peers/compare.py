#!/usr/bin/env python3
"""foglift beside PyTorch and ONNX Runtime, alternated in one run.

  python3 bench/peers/compare.py                                    # all, with this Python's packages
  python3 bench/peers/compare.py --python /opt/torch1/bin/python /opt/torch2/bin/python --markdown ratios.md
  python3 bench/peers/compare.py --threads 1 --only 'forward unet1d' --rounds 41

Every contender is a child process that waits for requests (bench/measure.cpp, bench/peers/serve.py). For each workload they take
turns: foglift, peer, peer, ..., foglift, peer, ... A ratio is the peer's time over foglift's in the same round, above 1
where foglift is faster; printed are its median over the rounds and its quartiles. Peers that are not installed are named
and left out. docs/performance.md says what makes the comparison fair.
"""
import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from typing import Dict, List, NamedTuple, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PAUSE = 0.01  # seconds between turns: other contenders' threads stop spinning


class Row(NamedTuple):
    work: str
    model: str
    size: int

    def __str__(self) -> str:
        return " ".join(str(part) for part in self if part != "-")


def rows() -> List[Row]:
    models, batches = ("mlp2d", "unet1d", "dit1d", "unet2d"), (1, 16, 64)
    return ([Row("forward", m, b) for m in models for b in batches] + [Row("ddim50", m, 1) for m in models] +
            [Row("train", m, b) for m in models for b in batches] +
            [Row(work, "-", n) for work, sizes in (("normals", (16384, 1 << 20)), ("adam", (10**6, 10**7))) for n in sizes])


class Contender:
    """A child process that answers requests; `about` is None where it could not start."""

    def __init__(self, name: str, command: List[str], threads: int, log):
        self.name = name
        self.child = subprocess.Popen(command + [str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                      text=True, env=environment(threads))
        kind, _, rest = self.child.stdout.readline().strip().partition(" ")
        self.about: Optional[str] = rest if kind == "ready" else None
        self.missing = rest if kind == "missing" else f"ended with status {self.child.poll()}"

    def ask(self, request: str) -> List[float]:
        """The numbers it answers; none where it can not do the work."""
        try:
            self.child.stdin.write(request + "\n")
            self.child.stdin.flush()
            answer = self.child.stdout.readline().strip()
        except BrokenPipeError:
            answer = ""
        self.refusal = answer[2:] if answer.startswith("!") else "it crashed" if not answer else ""
        return [] if self.refusal else [float(word) for word in answer.split()]

    def close(self) -> None:
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.wait()


def environment(threads: int) -> Dict[str, str]:
    """Fair settings, where the caller has set none: AVX-512 kernels in Debian's PyTorch and OpenBLAS, and at two threads no
    second pool of threads beside OpenMP's, which the pthread flavour of OpenBLAS would start."""
    env = dict(os.environ)
    with open("/proc/cpuinfo") as file:
        wide = " avx512f " in file.read()
    if wide:
        env.setdefault("ATEN_CPU_CAPABILITY", "avx512")
        env.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
    library = env.get("LD_LIBRARY_PATH", "") + os.path.realpath("/usr/lib/x86_64-linux-gnu/libblas.so.3")
    env.setdefault("OPENBLAS_NUM_THREADS", str(threads if "openmp" in library else 1))
    env["OMP_NUM_THREADS"] = str(threads)
    return env


def commands(args) -> Dict[str, List[str]]:
    found = {"foglift": [args.ours]}
    for i, python in enumerate(args.python):
        for kind in args.contenders:
            suffix = f"/{i + 1}" if len(args.python) > 1 else ""
            found[kind + suffix] = [python, "-W", "ignore", os.path.join(HERE, "serve.py"), kind]
    return found


def start(args, threads: int) -> List[Contender]:
    log = open(args.log, "a")
    contenders = [Contender(name, command, threads, log) for name, command in commands(args).items()]
    for c in contenders:
        print(f"{c.name:12} {c.about or 'NOT FOUND: ' + c.missing}", flush=True)
    if contenders[0].about is None:
        sys.exit(f"{args.ours} does not run: cmake --preset release && cmake --build --preset release --target measure")
    return [c for c in contenders if c.about is not None]


def measure(row: Row, contenders: List[Contender], args) -> Dict[str, List[float]]:
    """nanoseconds of each contender in each round"""
    request = "time " + " ".join(map(str, row))
    turns = [(c.name, c, request) for c in contenders]
    if row.work == "normals":  # the standard library's are drawn by the same program
        turns.append(("std", contenders[0], request.replace("normals", "std_normals")))
    able = []
    for name, c, asked in turns:  # prepares, and tells who can do it
        if c.ask(f"{asked} 0"):
            able.append((name, c, asked))
        elif "NotImplemented" not in c.refusal:
            print(f"  {row}: {name}: {c.refusal}", flush=True)
    times: Dict[str, List[float]] = {name: [] for name, _, _ in able}
    begun = time.monotonic()
    for r in range(args.rounds):
        for name, c, asked in able:
            time.sleep(PAUSE)
            times[name] += c.ask(f"{asked} {args.seconds}")
        if r >= 4 and time.monotonic() - begun > args.budget:
            break
    return times


def ratios(times: Dict[str, List[float]], name: str) -> List[float]:
    """lower quartile, median, upper quartile of time over foglift's"""
    each = [t / own for t, own in zip(times[name], times["foglift"])]
    return statistics.quantiles(each, n=4, method="inclusive") if len(each) > 1 else each * 3


def human(ns: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.3g} ns"


def line(row: Row, threads: int, times: Dict[str, List[float]], names: List[str]) -> List[str]:
    cells = [str(row), str(threads), human(statistics.median(times["foglift"]))]
    for name in names:
        if name in times and times[name]:
            low, middle, high = ratios(times, name)
            cells.append(f"{middle:.2f} [{low:.2f}, {high:.2f}]")
        else:
            cells.append("")
    return cells


def memory(args, names: List[str]) -> List[List[str]]:
    """Peak memory of training and of sampling at batch 64, each in a process of its own, in MB."""
    table = []
    for work in ("train", "sample"):
        for model in args.models:
            cells = [f"{work} {model} 64"]
            for name in names:
                with open(args.log, "a") as log:
                    c = Contender(name, commands(args)[name], 1, log)
                    found = c.ask(f"memory {work} {model} 64") if c.about else []
                    c.close()
                cells.append(f"{found[0] / 1e6:.0f} ({found[1] / 1e6:.0f})" if found else "")
            table.append(cells)
            print("  ".join(f"{cell:>18}" for cell in cells), flush=True)
    return table


def markdown(header: List[str], table: List[List[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, ["---"] * len(header)] + table)


def machine(cores: int) -> str:
    with open("/proc/cpuinfo") as file:
        cpu = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    return f"{cpu}, {cores} cores, {platform.system()} {platform.release().split('-')[0]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", default=os.path.join(ROOT, "build/release/bench/measure"), help="the program measure")
    parser.add_argument("--python", nargs="+", default=[sys.executable], help="Pythons whose packages are compared")
    parser.add_argument("--contenders", nargs="+", default=["eager", "optimised", "ort"], help="kinds of serve.py")
    parser.add_argument("--models", nargs="+", default=["mlp2d", "unet1d", "dit1d", "unet2d"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--only", default="", metavar="PATTERN", help="rows such as 'train unet1d 16', a regular expression")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--seconds", type=float, default=0.03, help="measured time of one turn, at least one call")
    parser.add_argument("--budget", type=float, default=60, help="seconds after which a row stops at 5 rounds or more")
    parser.add_argument("--memory", action="store_true", help="peak memory instead of times")
    parser.add_argument("--markdown", metavar="FILE", help="write the table there too")
    parser.add_argument("--json", metavar="FILE", help="write all times there, in nanoseconds")
    parser.add_argument("--log", default=os.devnull, help="what the peers say on standard error")
    args = parser.parse_args()

    cores = sorted(os.sched_getaffinity(0))
    where = machine(len(cores))
    print(where)
    about, table, raw, names = [], [], [], []
    for threads in [1] if args.memory else args.threads:
        os.sched_setaffinity(0, cores[-threads:])  # the children inherit it
        contenders = start(args, threads)
        names = [c.name for c in contenders]
        about = about or [f"{c.name}: {c.about}" for c in contenders]
        if args.memory:
            break
        peers = names[1:] + ["std"]
        for row in rows():
            if not re.search(args.only, str(row)) or row.model not in args.models + ["-"]:
                continue
            times = measure(row, contenders, args)
            table.append(line(row, threads, times, peers))
            raw.append({"row": str(row), "threads": threads, "times": times})
            print("  ".join(f"{cell:>20}" for cell in table[-1]), f"  {len(times['foglift'])} rounds", flush=True)
        for c in contenders:
            c.close()
    if args.memory:
        header, table = ["megabytes above the start (in all)"] + names, memory(args, names)
    else:
        header = ["workload", "threads", "foglift"] + names[1:] + ["std"]
    if args.markdown:
        with open(args.markdown, "w") as file:
            file.write("\n".join([where, ""] + [f"* {a}" for a in about] + ["", markdown(header, table), ""]))
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"machine": where, "about": about, "rows": raw}, file)


if __name__ == "__main__":
    main()
