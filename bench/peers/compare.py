#!/usr/bin/env python3
"""foglift beside PyTorch, ONNX Runtime and OpenVINO, alternated in one run.

  python3 bench/peers/compare.py                                    # all, with this Python's packages
  python3 bench/peers/compare.py --threads 1 --only 'forward unet1d' --rounds 41
  python3 bench/peers/compare.py --python /opt/torch1/bin/python /opt/torch2/bin/python \\
      --parts function times memory kernels growth --results speed.json --markdown docs/performance.md   # the whole page

Every contender is a child process that waits for requests (bench/measure.cpp, bench/peers/serve.py). For each workload they
take turns: foglift, peer, peer, ..., foglift, peer, ... A ratio is the peer's time over foglift's in the same round, above 1
where foglift is faster; printed are its median over the rounds and its quartiles, and beside the time what each errs by,
of the largest value of the same in double. Contenders that are not installed, or not in this build, are named and left out. Further parts of docs/performance.md, which says what makes the comparison fair: peak memory, whether the
models compute the same, kernels beside the machine's limits, growth with size. --results keeps what is found and adds to
what is there, so that a long run can be made in pieces.
"""
import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Callable, Dict, List, NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MODELS, BATCHES = ["mlp2d", "unet1d", "dit1d", "unet2d"], [1, 16, 64]
PAUSE = 0.1  # seconds between turns: other contenders' threads stop spinning (those of ONNX Runtime after 40 ms)


class Row(NamedTuple):
    work: str
    model: str
    size: int

    def __str__(self) -> str:
        return " ".join(str(part) for part in self if part != "-")


TIMED = ([Row("forward", m, b) for m in MODELS for b in BATCHES] + 
         [Row("shared_t", "mlp2d", b) for b in (16, 64)] + [Row("ddim50", m, 1) for m in MODELS] +
         [Row("train", m, b) for m in MODELS for b in BATCHES] + [Row("fit", m, 64) for m in MODELS[:3]] +
         [Row("normals", "-", n) for n in (16384, 1 << 20)] +
         [Row(work, "-", n) for work in ("adam", "adam_ema") for n in (10**6, 10**7)])
ERRING = ["forward", "ddim50", "train"]  # works whose result is compared with the same in double
# Peak memory of a few training steps, and of a sampling run of a few steps.
REMEMBERED = [Row(work, m, 64) for work in ("train", "sample") for m in MODELS]


def environment(threads: int) -> Dict[str, str]:
    """Fair settings, where the caller has set none: AVX-512 kernels in Debian's PyTorch and OpenBLAS, and at two threads no
    second pool of threads beside OpenMP's, which the pthread flavour of OpenBLAS would start."""
    env = dict(os.environ)
    with open("/proc/cpuinfo") as file:
        if " avx512f " in file.read():
            env.setdefault("ATEN_CPU_CAPABILITY", "avx512")
            env.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
    library = env.get("LD_LIBRARY_PATH", "") + os.path.realpath("/usr/lib/x86_64-linux-gnu/libblas.so.3")
    env.setdefault("OPENBLAS_NUM_THREADS", str(threads if "openmp" in library else 1))
    env["OMP_NUM_THREADS"] = str(threads)
    if threads > 1:
        env.setdefault("OMP_PROC_BIND", "true")  # two that wait for each other on one core lose milliseconds
    return env


class Contender:
    """A child process that answers requests. `name` and `about` are what it says of itself; `missing` why it does not run."""

    def __init__(self, command: List[str], threads: int, log):
        self.command, self.refusal = command, ""
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                      text=True, env=environment(threads))
        kind, _, rest = self.child.stdout.readline().strip().partition(" ")
        self.name, _, self.about = rest.partition("; ")
        self.missing = "" if kind == "ready" else rest or f"ended with status {self.child.wait()}"

    def words(self, request: str) -> List[str]:
        """What it answers; nothing where it can not do the work."""
        try:
            self.child.stdin.write(request + "\n")
            self.child.stdin.flush()
            answer = self.child.stdout.readline().strip()
        except BrokenPipeError:
            answer = ""
        self.refusal = answer[2:] if answer.startswith("!") else "" if answer else "it crashed"
        return [] if self.refusal else answer.split()

    def ask(self, request: str) -> List[float]:
        return [float(word) for word in self.words(request)]

    def close(self) -> None:
        self.child.stdin.close()
        self.child.stdout.close()
        self.child.wait()


def start(args, threads: int, log) -> List[Contender]:
    ours = [[args.ours, str(threads)], [args.ours, str(threads), "bf16"]]
    commands = ours + [[python, "-W", "ignore", os.path.join(HERE, "serve.py"), kind, str(threads)]
                       for python in args.python for kind in args.contenders]
    found: List[Contender] = []
    for command in commands:
        c = Contender(command, threads, log)
        if c.missing:
            print(f"NOT FOUND: {' '.join(command)}: {c.missing}")
        elif c.name in [other.name for other in found]:
            c.close()  # two Pythons with the same package
        else:
            print(f"{c.name}: {c.about}", flush=True)
            found.append(c)
    if not found or found[0].command != commands[0]:
        sys.exit(f"{args.ours} does not run; cmake --workflow --preset release builds it")
    return found


def alternate(row: Row, contenders: List[Contender], args, errors: Dict[str, List[str]]) -> Dict[str, List[float]]:
    """Nanoseconds of each contender in each round. Puts into `errors` what it errs by, and at which setting."""
    request = "time " + " ".join(map(str, row))
    turns = [(c.name, c, request) for c in contenders]
    if row.work == "normals":  # the standard library's are drawn by the same program
        turns.append(("std", contenders[0], request.replace("normals", "std_normals")))
    able = []
    for name, c, asked in turns:  # prepares, and tells who can do it
        if c.ask(f"{asked} 0"):
            able.append((name, c, asked))
            if row.work in ERRING and name == c.name:
                errors[name] = c.words("error " + " ".join(map(str, row)))
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


def measure_times(args, results: dict, cores: List[int], log) -> None:
    for threads in args.threads:
        os.sched_setaffinity(0, cores[-threads:])  # the children inherit it
        contenders = start(args, threads, log)
        results["about"].update({c.name: c.about for c in contenders})
        for row in TIMED:
            if re.search(args.only, str(row)):
                errors = results["errors"].setdefault(f"{row}, {threads}", {})
                times = alternate(row, contenders, args, errors)
                results["times"][f"{row}, {threads}"] = times
                print(f"{row}, {threads} threads: {human(statistics.median(times['foglift']))}", end="")
                for name in list(times)[1:]:
                    print(f"  {name} {spread(times, name)} {error_cell(errors.get(name))}", end="")
                print(f"  {len(times['foglift'])} rounds", flush=True)
                save(args, results)
        for c in contenders:
            c.close()


def measure_memory(args, results: dict, cores: List[int], log) -> None:
    os.sched_setaffinity(0, cores[-1:])
    contenders = start(args, 1, log)
    results["about"].update({c.name: c.about for c in contenders})
    for c in contenders:
        c.close()
    for row in REMEMBERED:
        if re.search(args.only, str(row)):
            found = results["memory"].setdefault(str(row), {})
            for c in contenders:
                fresh = Contender(c.command, 1, log)  # a process of its own
                found[c.name] = fresh.ask("memory " + " ".join(map(str, row)))
                fresh.close()
            print(row, {name: [round(n / 1e6) for n in bytes_] for name, bytes_ in found.items()}, flush=True)
            save(args, results)


def beside(args, name: str) -> str:
    """Another program of the folder that `measure` stands in."""
    return os.path.join(os.path.dirname(args.ours), name)


def compare_function(args, results: dict, cores: List[int], log) -> None:
    """Outputs and gradients of foglift beside those of the last Python's PyTorch."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([args.python[-1], os.path.join(HERE, "export.py"), folder], check=True, stdout=log, stderr=log)
        files = [os.path.join(folder, f"{model}.safetensors") for model in MODELS]
        found = subprocess.run([beside(args, "same_function")] + files, stdout=subprocess.PIPE, text=True)
    results["function"] = found.stdout
    print(found.stdout)


def measure_growth(args, results: dict, cores: List[int], log) -> None:
    os.sched_setaffinity(0, cores)
    results["growth"] = subprocess.run([beside(args, "scaling")], stdout=subprocess.PIPE, text=True, check=True).stdout
    print(results["growth"])


def measure_kernels(args, results: dict, cores: List[int], log) -> None:
    """What the kernel benchmarks print, each a time and its share of the limit measured in the same round."""
    os.sched_setaffinity(0, cores[-1:])
    lines: List[str] = []
    for name in ("bench_gemm", "bench_conv", "bench_pointwise"):
        if not os.path.exists(beside(args, name)):
            print(f"NOT FOUND: {name}")
            continue
        text = subprocess.run([beside(args, name)], stdout=subprocess.PIPE, stderr=log, text=True, check=True).stdout
        lines += ["", name] if lines else [name]
        for line in text.splitlines():
            timed = re.match(r"(\S+?)/iterations\S*\s+(\S+ \w+).*of_limit=(\S+)", line)  # Google Benchmark's
            if timed:
                lines.append(f"{timed[1].replace('kernels::', ''):34} {timed[2]:>12} {float(timed[3]):6.2f} of the limit")
            elif not line.startswith(("-----", "Benchmark  ")):
                lines.append(line)
    results["kernels"] = "\n".join(lines)
    print(results["kernels"])


def human(ns: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.3g} ns"


def spread(times: Dict[str, List[float]], name: str) -> str:
    """Median and quartiles of the per-round ratios to foglift; losses are set in bold."""
    if name not in times:
        return ""
    low, middle, high = statistics.quantiles([t / own for t, own in zip(times[name], times["foglift"])], n=4,
                                             method="inclusive")
    return f"{f'**{middle:.2f}**' if middle < 1 else f'{middle:.2f}'} ({low:.2f} - {high:.2f})"


def table(header: List[str], rows: List[List[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, ["---"] * len(header)] + rows)


def times_table(results: dict) -> str:
    found = results["times"]
    peers = [name for name in list(results["about"]) + ["std"] if name != "foglift" and any(name in t for t in found.values())]
    rows = [[key, human(statistics.median(found[key]["foglift"]))] + [spread(found[key], name) for name in peers]
            for threads in sorted({key.split(", ")[1] for key in found}) for row in TIMED
            for key in [f"{row}, {threads}"] if key in found]
    about = [f"* {name}: {text}" for name, text in results["about"].items()]
    return "\n".join([f"{results['machine']}; {results['date']}.", ""] + about + [""]) + "\n" + table(
        ["workload, threads", "foglift"] + peers, rows)


def error_cell(answer) -> str:
    """An error, and the setting that it was found at where there is a choice."""
    if not answer:
        return ""
    error, setting = (list(answer) + ["-"])[:2]
    return f"{float(error):.0e}" + ("" if setting == "-" else f" {setting}")


def errors_table(results: dict) -> str:
    found = {key: row for key, row in results["errors"].items() if row}
    names = [name for name in results["about"] if any(row.get(name) for row in found.values())]
    return table(["workload, threads"] + names,
                 [[key] + [error_cell(found[key].get(name)) for name in names]
                  for threads in sorted({key.split(", ")[1] for key in found}) for row in TIMED
                  for key in [f"{row}, {threads}"] if key in found])


def memory_table(results: dict) -> str:
    found = results["memory"]
    names = [name for name in results["about"] if any(row.get(name) for row in found.values())]
    cell = lambda bytes_: f"{bytes_[0] / 1e6:.0f} ({bytes_[1] / 1e6:.0f})" if bytes_ else ""
    return table(["MB above the start (in all)"] + names,
                 [[row] + [cell(found[row].get(name)) for name in names] for row in map(str, REMEMBERED) if row in found])


def block(part: str) -> Callable[[dict], str]:
    return lambda results: f"```\n{results[part].strip()}\n```"


class Part(NamedTuple):
    measure: Callable
    texts: Dict[str, Callable[[dict], str]]  # of the marks of a page


PARTS = {"function": Part(compare_function, {"function": block("function")}),
         "times": Part(measure_times, {"times": times_table, "errors": errors_table}),
         "memory": Part(measure_memory, {"memory": memory_table}),
         "kernels": Part(measure_kernels, {"kernels": block("kernels")}),
         "growth": Part(measure_growth, {"growth": block("growth")})}
TEXTS = {mark: text for part in PARTS.values() for mark, text in part.texts.items()}


def put(path: str, mark: str, text: str) -> None:
    """Puts a text between the marks <!-- mark --> ... <!-- end --> of a page, at the end of it where they are not there."""
    page = ""
    if os.path.exists(path):
        with open(path) as file:
            page = file.read()
    if f"<!-- {mark} -->\n" not in page:
        page += f"<!-- {mark} -->\n<!-- end -->\n\n"
    page = re.sub(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{text}\n{m[2]}", page, flags=re.DOTALL)
    with open(path, "w") as file:
        file.write(page)


def write_page(path: str, results: dict) -> None:
    for mark, write in TEXTS.items():
        if results[mark]:
            put(path, mark, write(results))


def save(args, results: dict) -> None:
    if args.results:
        with open(args.results, "w") as file:
            json.dump(results, file)


def machine(cores: int) -> str:
    with open("/proc/cpuinfo") as file:
        text = file.read()
    field = lambda key: next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith(key)), "?")
    widest = next((name for name in ("avx512f", "avx2") if f" {name} " in text), "no AVX2")
    return (f"{field('model name')} (family {field('cpu family')}, model {field('model')}, {widest}), {cores} cores, "
            f"{platform.system()} {platform.release().split('-')[0]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", default=os.path.join(ROOT, "build/release/bench/measure"), help="the program measure")
    parser.add_argument("--python", nargs="+", default=[sys.executable], help="Pythons whose packages are compared")
    parser.add_argument("--contenders", nargs="+", default=["eager", "optimised", "ort", "openvino", "openvino_bf16"],
                        help="kinds of serve.py")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--only", default="", metavar="PATTERN", help="rows such as 'train unet1d 16', a regular expression")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--seconds", type=float, default=0.03, help="measured time of one turn, at least one call")
    parser.add_argument("--budget", type=float, default=60, help="seconds after which a row stops at 5 rounds or more")
    parser.add_argument("--parts", nargs="*", default=["times"], choices=list(PARTS),
                        help="what to measure; nothing: only write --results into --markdown")
    parser.add_argument("--results", metavar="FILE", help="JSON to keep all figures in, and to add to where it exists")
    parser.add_argument("--markdown", metavar="FILE", help="a page to put the tables into")
    parser.add_argument("--log", default=os.devnull, metavar="FILE", help="what the peers say on standard error")
    args = parser.parse_args()

    cores = sorted(os.sched_getaffinity(0))
    results: dict = {"about": {}, **{mark: {} for mark in TEXTS}}
    if args.results and os.path.exists(args.results):
        with open(args.results) as file:
            results.update(json.load(file))
    if args.parts:
        results.update(machine=machine(len(cores)), date=time.strftime("%Y-%m-%d"))
        print(results["machine"])
        with open(args.log, "a") as log:
            for part in args.parts:
                PARTS[part].measure(args, results, cores, log)
                save(args, results)
    if args.markdown:
        write_page(args.markdown, results)


if __name__ == "__main__":
    main()
