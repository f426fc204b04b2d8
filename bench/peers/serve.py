#!/usr/bin/env python3
"""One contender of compare.py: answers the requests of bench/measure.cpp with a Python library.

  echo "time forward unet1d 16 0.1" | python3 bench/peers/serve.py eager 1

Contenders: eager (PyTorch), optimised (frozen TorchScript in PyTorch 1, torch.compile in 2), ort (ONNX Runtime). A call through
Python costs microseconds, so where a net takes no longer, optimised and ort time a graph that applies it many times, and
divide.
"""
import io
import os
import sys
import time
from typing import Callable, Tuple

CORES = sorted(os.sched_getaffinity(0))  # before OpenMP binds this thread to one

try:
    import torch
    import torch.nn.functional as F

    import models
except ImportError as error:
    print(f"missing {error}", flush=True)
    sys.exit()

CHAIN = {"mlp2d": 20}
Work = Tuple[Callable[[], object], int]  # a function, and how many units of work a call of it does


class Chained(torch.nn.Module):
    """x -> a x + b net(x, t[i]) for all (a, b) in turn, as one graph. Every application has times t[i] [B] of its own:
    were they one tensor, an optimiser would embed them once for all."""

    def __init__(self, net: torch.nn.Module, factors):
        super().__init__()
        self.net, self.factors = net, factors

    def forward(self, x, t):
        for i, (a, b) in enumerate(self.factors):
            x = a * x + b * self.net(x, t[i])
        return x


def chained(model: str, batch: int):
    """(net, x, t, applications of the net in one call)"""
    times = CHAIN.get(model, 1)
    net, (x, t) = models.make(model).eval(), inputs(model, batch)
    return (net, x, t, 1) if times == 1 else (Chained(net, [(0.9, 0.1)] * times).eval(), x, t.repeat(times, 1), times)


def ddim_coefficients(steps: int):
    """(t, a, b) of each step x <- a x + b eps, on the linear schedule of 1000 steps"""
    alpha_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)
    at = [i * (1000 // steps) for i in reversed(range(steps))]
    now = [float(alpha_bar[i]) for i in at]
    found = []
    for t, n, p in zip(at, now, now[1:] + [1.0]):
        scale = (p / n) ** 0.5
        found.append((t, scale, (1 - p) ** 0.5 - scale * (1 - n) ** 0.5))
    return found


def inputs(model: str, batch: int):
    torch.manual_seed(1)
    t = (17 + 37 * torch.arange(batch)) % 1000
    return torch.randn(batch, *models.SHAPES[model]), t


def optimizer_of(parameters: list):
    try:
        return torch.optim.Adam(parameters, lr=1e-4, fused=True)
    except (TypeError, RuntimeError):  # PyTorch 1: not there, or not for CPUs
        return torch.optim.Adam(parameters, lr=1e-4)


def blas() -> str:
    """The BLAS that PyTorch computes with; the reference BLAS is ten times slower than others."""
    if torch.backends.mkl.is_available():
        return "MKL"
    with open("/proc/self/maps") as maps:
        files = {os.path.basename(line.split()[-1]) for line in maps if "numpy" not in line}
    return ", ".join(sorted(f for f in files if "openblas" in f or "blis" in f)) or "reference BLAS"


class Eager:
    kind = "eager"

    def __init__(self, threads: int):
        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)

    def about(self) -> str:
        return f"PyTorch {torch.__version__.split('+')[0]} {self.kind}; {blas()}"

    def prepare(self, net, x, t):
        """The net as it is called again and again."""
        return net

    def forward(self, model: str, batch: int) -> Work:
        net, (x, t) = models.make(model).eval(), inputs(model, batch)
        return self.inference(net, x, t), 1

    def inference(self, net, x, t):
        def call():
            with torch.inference_mode():
                net(x, t)
        return call

    def ddim(self, model: str, batch: int, steps: int) -> Work:
        x, t = inputs(model, batch)
        coefficients = [(torch.full_like(t, at), a, b) for at, a, b in ddim_coefficients(steps)]
        with torch.no_grad():
            net = self.prepare(models.make(model).eval(), x, t)

        def call():
            with torch.no_grad():
                y = x
                for at, a, b in coefficients:
                    y = torch.add(y * a, net(y, at), alpha=b)
                return y
        return call, 1

    def train(self, model: str, batch: int) -> Work:
        net, (x, t) = models.make(model).train(), inputs(model, batch)
        optimizer, eps = optimizer_of(list(net.parameters())), torch.randn_like(x)
        net = self.prepare_training(net)

        def call():
            optimizer.zero_grad(set_to_none=True)
            F.mse_loss(net(x, t), eps).backward()
            optimizer.step()
        return call, 1

    fit = train  # foglift's is by shards of the batch

    def prepare_training(self, net):
        return net

    def normals(self, count: int) -> Work:
        out = torch.empty(count)
        return out.normal_, 1

    def adam(self, count: int) -> Work:
        weights = [torch.nn.Parameter(torch.randn(count // 16)) for _ in range(16)]
        for w in weights:
            w.grad = torch.randn_like(w)
        return optimizer_of(weights).step, 1

    def adam_ema(self, count: int) -> Work:
        step, _ = self.adam(count)
        weights = step.__self__.param_groups[0]["params"]
        averages = [w.detach().clone() for w in weights]

        @torch.no_grad()
        def call():
            step()
            torch._foreach_mul_(averages, 0.999)
            torch._foreach_add_(averages, weights, alpha=0.001)
        return call, 1


class Optimised(Eager):
    kind = "compiled" if hasattr(torch, "compile") else "frozen"

    def prepare(self, net, x, t):
        if hasattr(torch, "compile"):
            from torch._inductor import config

            config.freezing = True  # weights are packed once
            return torch.compile(net)
        fast = torch.jit.freeze(torch.jit.trace(net, (x, t), check_trace=False))
        for _ in range(3):  # the first calls profile and optimise
            fast(x, t)
        return fast

    def prepare_training(self, net):
        if not hasattr(torch, "compile"):
            raise NotImplementedError("frozen TorchScript does not train")
        return torch.compile(net)

    def forward(self, model: str, batch: int) -> Work:
        net, x, t, times = chained(model, batch)
        with torch.no_grad():
            net = self.prepare(net, x, t)

        def call():
            with torch.no_grad():
                net(x, t)
        return call, times

    def normals(self, count: int) -> Work:
        raise NotImplementedError("as eager")

    adam = adam_ema = normals


class Ort:
    def train(self, *_):
        raise NotImplementedError("ONNX Runtime does not train")

    fit = normals = adam = adam_ema = train

    def __init__(self, threads: int):
        import onnx  # noqa: F401  torch.onnx needs it
        import onnxruntime

        self.ort, self.threads = onnxruntime, threads

    def about(self) -> str:
        return f"ONNX Runtime {self.ort.__version__}; exported by PyTorch {torch.__version__.split('+')[0]}"

    def session(self, net, x, t):
        """(run, x, y): run() maps the array x to the array y, both bound once."""
        import numpy as np

        file = io.BytesIO()
        legacy = {"dynamo": False} if int(torch.__version__.split(".")[0]) >= 2 else {}
        torch.onnx.export(net.eval(), (x, t), file, input_names=["x", "t"], output_names=["y"], opset_version=17, **legacy)
        options = self.ort.SessionOptions()
        options.graph_optimization_level = self.ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        options.log_severity_level = 3
        if self.threads > 1:  # as OpenMP's threads, one a core
            others = ";".join(str(core + 1) for core in CORES[1:self.threads])
            options.add_session_config_entry("session.intra_op_thread_affinities", others)
            os.sched_setaffinity(0, CORES[:1])
        session = self.ort.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
        arrays = {"x": np.array(x.tolist(), np.float32), "t": np.array(t.tolist(), np.int64),
                  "y": np.zeros(tuple(x.shape), np.float32)}
        binding = session.io_binding()
        for name, a in arrays.items():
            bind = binding.bind_output if name == "y" else binding.bind_input
            bind(name, "cpu", 0, a.dtype.type, a.shape, a.ctypes.data)
        self.keep = arrays, binding  # what is bound must live
        return (lambda: session.run_with_iobinding(binding)), arrays

    def forward(self, model: str, batch: int) -> Work:
        net, x, t, times = chained(model, batch)
        run, _ = self.session(net, x, t)
        return run, times

    def ddim(self, model: str, batch: int, steps: int) -> Work:
        x, t = inputs(model, batch)
        if model in CHAIN:  # so small that the loop belongs into the graph
            loop = Chained(models.make(model), [(a, b) for _, a, b in ddim_coefficients(steps)])
            run, _ = self.session(loop, x, t.repeat(steps, 1))
            return run, 1
        run, arrays = self.session(models.make(model), x, t)
        state, start, eps = arrays["x"], arrays["x"].copy(), arrays["y"]

        def call():
            state[...] = start
            for at, a, b in ddim_coefficients(steps):
                arrays["t"][...] = at
                run()
                state[...] = a * state + b * eps
        return call, 1


def make(contender, work: str, model: str, size: int) -> Work:
    if work in ("normals", "adam", "adam_ema"):
        return getattr(contender, work)(size)
    if work == "shared_t":  # no peer computes less where times are equal
        work = "forward"
    if work in ("ddim50", "sample"):
        return contender.ddim(model, size, 50 if work == "ddim50" else 3)
    return getattr(contender, work)(model, size)


def time_of(work: Work, seconds: float) -> float:
    """nanoseconds of one unit of work"""
    call, units = work
    start, calls = time.perf_counter(), 0
    while True:
        call()
        calls += 1
        passed = time.perf_counter() - start
        if passed >= seconds:
            return 1e9 * passed / (calls * units)


def status(key: str) -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key + ":"))


def memory_of(contender, work: str, model: str, size: int) -> str:
    make(contender, work, "mlp2d", 1)[0]()  # what the first call of all loads is no part of the answer
    call, _ = make(contender, work, model, size)
    before = status("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts anew
    for _ in range(5):
        call()
    peak = status("VmHWM")
    return f"{peak - before} {peak}"


def main() -> None:
    name, threads = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # libraries print warnings
    try:
        contender = {"eager": Eager, "optimised": Optimised, "ort": Ort}[name](threads)
    except ImportError as error:
        print(f"missing {error}", file=answers)
        return
    print("ready", contender.about(), file=answers)
    current, work = None, None
    for line in sys.stdin:
        what, kind, model, size, *seconds = line.split()
        try:
            if what == "memory":
                print(memory_of(contender, kind, model, int(size)), file=answers)
                continue
            if (kind, model, size) != current:
                current, work = (kind, model, size), None
                work = make(contender, kind, model, int(size))
                work[0]()
            if work is None:
                raise NotImplementedError("failed before")
            print(time_of(work, float(seconds[0])), file=answers)
        except Exception as error:  # the next request may be for something else
            print(f"! {type(error).__name__}: {error}".replace("\n", " ")[:300], file=answers)


if __name__ == "__main__":
    main()
