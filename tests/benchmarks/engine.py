"""The engine beside the frameworks, one BLAS thread: `python tests/benchmarks/engine.py [--quick] [--sizes 3,128]`.

next: a step of `unroll` over an array. live: of `unroll` over a generator, the clear form. run: `trace`. All with every
gate, while LSTMCell and onnxruntime T=1 keep h and c, and nn.LSTM and onnxruntime h alone.

Every number is a median over rounds in which all contenders take their turn, so that a busy machine slows all of them
alike; what counts is the ratio. A peer that is not installed is named and left out.
"""

import argparse
import importlib
import os
import subprocess
import sys
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from statistics import fmean, median
from time import perf_counter
from typing import Any

for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # either changes matrix products up to 1.7 times
    os.environ.pop(variable, None)
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402 - the number of BLAS threads is read when NumPy is imported
import numpy.typing as npt  # noqa: E402 - as above

import unrolled  # noqa: E402 - as above

Array = npt.NDArray[Any]
Steps = Callable[[], Iterator[object]]
OURS, LIVE = "unrolled", "live stream"


@dataclass(frozen=True)
class Size:
    """A row of the table: the sizes of a run, and the goals, each a ratio to a peer."""

    units: int
    features: int
    batch: int
    timesteps: int
    step: float
    single: tuple[float, str]
    double: float

    def __str__(self) -> str:
        """The sizes in words."""
        batch = f", batch {self.batch}" if self.batch > 1 else ""
        return f"{self.units} units, {self.features} features{batch}"


CELL, NN, ONNX, TEXTBOOK = "LSTMCell", "nn.LSTM", "onnxruntime", "textbook NumPy"
SIZES = (
    Size(3, 2, 1, 1000, 0.30, (0.15, CELL), 0.30),
    Size(32, 32, 1, 1000, 0.30, (0.18, CELL), 0.45),
    Size(128, 64, 1, 1000, 0.35, (0.30, CELL), 0.58),
    Size(512, 512, 1, 1000, 0.45, (1.12, NN), 0.80),
    Size(1024, 512, 1, 500, 0.25, (1.08, NN), 0.46),
    Size(512, 512, 32, 200, 0.55, (1.35, NN), 1.0),
)


class Contenders:
    """The same layer in every library: what makes an iterator of single steps, and what does a whole run."""

    def __init__(self, size: Size, dtype: str, timesteps: int) -> None:
        random = np.random.default_rng(0)
        units, batch = size.units, size.batch
        self.layer = unrolled.LSTM.initialize(units, size.features, seed=0, dtype=dtype)
        self.x = random.standard_normal((timesteps, batch, size.features)).astype(dtype)
        xs = self.x if batch > 1 else self.x[:, 0]
        self.steps: dict[str, Steps] = {
            OURS: lambda: self.layer.unroll(xs),
            LIVE: lambda: self.layer.unroll(iter(xs)),
            TEXTBOOK: self._textbook,
        }
        self.runs: dict[str, Callable[[], object]] = {
            OURS: lambda: self.layer.trace(xs),
            TEXTBOOK: lambda: deque(self._textbook(), 0),
        }
        if torch := installed("torch"):
            self._add_torch(torch)
        if dtype == "float32" and (onnxruntime := installed("onnxruntime")) and installed("onnx"):
            self._add_onnxruntime(onnxruntime)

    def _textbook(self) -> Iterator[object]:
        kernel, recurrent, bias = self.layer.kernel, self.layer.recurrent_kernel, self.layer.bias
        h = c = np.zeros((self.x.shape[1], self.layer.units), self.layer.dtype)
        for x in self.x:
            z = x @ kernel + h @ recurrent + bias
            z_i, z_f, z_g, z_o = np.split(z, 4, axis=-1)
            i, f, o = (1 / (1 + np.exp(-part)) for part in (z_i, z_f, z_o))
            g = np.tanh(z_g)
            c = f * c + i * g
            h = o * np.tanh(c)
            yield x, z, i, f, g, o, c, h

    def _add_torch(self, torch: Any) -> None:
        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        x = torch.from_numpy(self.x)
        cell = torch.nn.LSTMCell(x.shape[2], self.layer.units, dtype=x.dtype)
        lstm = torch.nn.LSTM(x.shape[2], self.layer.units, dtype=x.dtype)

        def steps() -> Iterator[object]:
            state = None
            for row in x:
                state = cell(row, state)
                yield state

        self.steps[CELL] = steps
        self.runs |= {CELL: lambda: deque(steps(), 0), NN: lambda: lstm(x)}

    def _add_onnxruntime(self, onnxruntime: Any) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(onnx_model(self.layer), options, ["CPUExecutionProvider"])
        zeros = np.zeros((1, self.x.shape[1], self.layer.units), self.x.dtype)

        def steps() -> Iterator[object]:
            h = c = zeros
            for t in range(len(self.x)):
                _, h, c = session.run(None, {"x": self.x[t : t + 1], "h0": h, "c0": c})
                yield h, c

        self.steps[f"{ONNX} T=1"] = steps
        self.runs[ONNX] = lambda: session.run(None, {"x": self.x, "h0": zeros, "c0": zeros})


def onnx_model(layer: unrolled.LSTM) -> bytes:
    """An ONNX model of one LSTM node of the size of `layer`; its weights are arbitrary."""
    onnx = importlib.import_module("onnx")
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    random = np.random.default_rng(0)
    shapes = {"W": (1, 4 * layer.units, layer.features), "R": (1, 4 * layer.units, layer.units)}
    weights = [
        onnx.numpy_helper.from_array(0.1 * random.standard_normal(shape).astype("float32"), name)
        for name, shape in shapes.items()
    ]
    node = helper.make_node("LSTM", ["x", "W", "R", "", "", "h0", "c0"], ["h", "hT", "cT"], hidden_size=layer.units)
    inputs = [helper.make_tensor_value_info(name, number, [None] * 3) for name in ("x", "h0", "c0")]
    outputs = [helper.make_tensor_value_info(name, number, None) for name in ("h", "hT", "cT")]
    graph = helper.make_graph([node], "lstm", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def installed(name: str) -> Any:
    """The module, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def rounds(seconds: float) -> Iterator[None]:
    """Rounds for so long, but at least five."""
    end = perf_counter() + seconds
    least = iter(range(5))
    while next(least, None) is not None or perf_counter() < end:
        yield


def time_steps(contenders: dict[str, Steps], seconds: float, turn: int) -> dict[str, float]:
    """The median time of a `next`, in µs, of each; they take turns of `turn` steps."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in rounds(seconds):
        for name, steps in contenders.items():
            iterator, taken = steps(), times[name]
            next(iterator)
            for _ in range(turn):
                before = perf_counter()
                next(iterator)
                taken.append(perf_counter() - before)
    return {name: median(taken) * 1e6 for name, taken in times.items()}


def time_runs(contenders: dict[str, Callable[[], object]], seconds: float, timesteps: int) -> dict[str, float]:
    """The median time of a timestep of a whole run, in µs, of each."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in rounds(seconds):
        for name, run in contenders.items():
            before = perf_counter()
            run()
            times[name].append(perf_counter() - before)
    return {name: median(taken[1:]) / timesteps * 1e6 for name, taken in times.items()}


def show(what: str, times: dict[str, float], goal: float, peer: str, ours: str = OURS) -> None:
    """Prints a cell of the table."""
    listed = "µs: " + "   ".join(f"{name} {time:.3g}" for name, time in times.items())
    if peer in times:
        ratio = times[ours] / times[peer]
        print(f"  {what:<12} {ratio:5.2f} × {peer:<8}  goal {goal:4.2f}  {mark(ratio <= goal)}  {listed}", flush=True)
    else:
        print(f"  {what:<12} no {peer} to compare with   {listed}", flush=True)


def mark(met: bool) -> str:
    """Whether a goal is met."""
    return "met   " if met else "MISSED"


def bench_size(size: Size, quick: bool) -> None:
    """One row of the table."""
    print(size, flush=True)
    seconds, timesteps = (1.0, size.timesteps // 5) if quick else (6.0, size.timesteps)
    single, double = (Contenders(size, dtype, timesteps) for dtype in ("float32", "float64"))
    turns = time_steps(single.steps, seconds, min(timesteps - 1, 30_000 // size.units))
    show("next", turns, size.step, CELL)
    show("live", turns, 1.0, CELL, LIVE)
    show("run float32", time_runs(single.runs, seconds, timesteps), *size.single)
    show("run float64", time_runs(double.runs, seconds, timesteps), size.double, NN)


def bench_long(units: int, dtype: str, goal: float, timesteps: int) -> None:
    """A run of a million timesteps: back, anywhere, memory, the same bits."""
    features = 2 if units < 32 else 64
    layer = unrolled.LSTM.initialize(units, features, seed=0, dtype=dtype)
    noise = np.random.default_rng(0).standard_normal(timesteps + features - 1).astype(dtype)
    xs = np.lib.stride_tricks.sliding_window_view(noise, features)  # no memory but the noise
    memory = memory_of(layer, xs)
    run = unrolled.Run(layer, xs)
    before = perf_counter()
    deque(run.explore(timesteps - 1), 0)
    first = perf_counter() - before
    back = fmean(time_each(run, range(timesteps - 1, timesteps - 20_000, -1)))
    seek = median(time_each(run, np.random.default_rng(1).integers(0, timesteps, 101).tolist()))
    trace = layer.trace(xs[:5000])
    same = all(same_bits(run[t], trace[t]) for t in range(4999, -1, -7))
    print(f"T = {timesteps:,}, {units} units, {dtype}: first pass {first:.1f} s")
    print(f"  back         {back * 1e6:5.1f} µs    goal 12     {mark(back <= 12e-6)}")
    print(f"  random seek  {seek * 1e3:5.2f} ms    goal {goal:<4}   {mark(seek <= goal * 1e-3)}")
    print(f"  memory       {memory:5.1f} MiB   goal 12     {mark(memory < 12)}")
    print(f"  same bits as the trace                {mark(same)}", flush=True)


def memory_of(layer: unrolled.LSTM, xs: Array) -> float:
    """The most memory, in MiB, of a run with all its checkpoints, which are laid out in advance, and parts."""
    layer.trace(xs[:1])  # the weights in the kernel's form are the layer's
    tracemalloc.start()
    run = unrolled.Run(layer, xs)
    for t in range(0, 2000, 50):
        run[t]
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return peak


def time_each(run: unrolled.Run[unrolled.LSTMStep], places: Iterable[int]) -> Iterator[float]:
    """How long it takes to be at each of `places`, in seconds."""
    for t in places:
        before = perf_counter()
        run[t]
        yield perf_counter() - before


def same_bits(one: unrolled.LSTMStep, other: unrolled.LSTMStep) -> bool:
    """Whether two steps are the same, z, gates and states."""
    names = ("z", "i", "f", "g", "o", "c", "tanh_c", "h")
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in names)


FIRST_RECORD = """
import unrolled
next(unrolled.LSTM.initialize(3, 1, seed=7).unroll([[1.0]]))
try:
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
except OSError:  # only Linux counts a process's own peak without that of its parent
    print("nan")
"""


def bench_start() -> None:
    """From the start of a process to the first record."""
    starts = [time_process(FIRST_RECORD) for _ in range(9)]
    start, memory = median(seconds for seconds, _ in starts), float(starts[0][1]) / 1024
    numpy_alone = median(time_process("import numpy")[0] for _ in range(9))
    print("process start to first record")
    print(f"  time         {start:5.3f} s    goal 0.15   {mark(start <= 0.15)}  import numpy alone {numpy_alone:.3f}")
    print(f"  peak memory  {memory:5.1f} MiB   goal 50     {mark(memory <= 50)}", flush=True)


def time_process(program: str) -> tuple[float, str]:
    """How long a Python process with `program` takes, and what it prints."""
    before = perf_counter()
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout
    return perf_counter() - before, output


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fifth of the timesteps, fewer rounds")
    parser.add_argument("--sizes", help="only layers of these numbers of units, such as 3,128")
    options = parser.parse_args()
    missing = "".join(f", no {name}" for name in ("torch", "onnxruntime", "onnx") if not installed(name))
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, one thread{missing}")
    wanted = {int(units) for units in options.sizes.split(",")} if options.sizes else None
    for size in SIZES:
        if wanted is None or size.units in wanted:
            bench_size(size, options.quick)
    if wanted is None:
        timesteps = 100_000 if options.quick else 1_000_000
        bench_long(3, "float32", 0.5, timesteps)
        bench_long(128, "float64", 2.1, timesteps)
        bench_start()


if __name__ == "__main__":
    main()
