"""Makes files in models/torch: small models written by PyTorch itself, with what PyTorch computes with them.

    python make_torch_models.py models/torch      with PyTorch 2 and safetensors

For `NAME.pt` and the like, `NAME.expected.npz` holds the input x and PyTorch's output y. Of each recurrent layer and
direction there are h and c at every timestep, as `h.0.fwd` and `c.1.bwd`, in the order of the input, each found by
letting a module of that layer's weights alone read 1, 2, … timesteps, from the end where it goes backwards. `meta` is
JSON: the files, the number of parameters as PyTorch counts them, and what has to be chosen when they are read. Weights
are random, biases too, from fixed seeds. Half and bfloat16 weights are stepped in float32.
Of lstm4, gru and bilstm2 PyTorch computed the same numbers by stepping its own layers, before this script was there.
"""

import argparse
import copy
import datetime as dt
import io
import json
import sys
import warnings
import zipfile
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

T, FEATURES, BATCH, VOCABULARY = 6, 3, 2, 7
KINDS: dict[str, Any] = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN_TANH": nn.RNN, "RNN_RELU": nn.RNN}


class Tagger(nn.Module):
    """An Embedding, an LSTM and a Linear, as a newcomer's model has them."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, FEATURES)
        self.lstm = nn.LSTM(FEATURES, 4, batch_first=True)
        self.fc = nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output, _ = self.lstm(self.embedding(x))
        y: torch.Tensor = self.fc(output)
        return y


class Cells(nn.Module):
    """Two cells that are stepped by hand."""

    def __init__(self, kind: type[nn.RNNCellBase], *sizes: int, **options: Any) -> None:
        super().__init__()
        self.cells = nn.ModuleList(kind(*pair, **options) for pair in pairwise(sizes))


class Pair(nn.Module):
    """Two modules whose connection no file tells."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.GRU(FEATURES, 4, batch_first=True)
        self.decoder = nn.GRU(2, 3, batch_first=True)


class Stages(nn.Module):
    """Two modules whose sizes fit in one order only, which is not that of the file."""

    def __init__(self) -> None:
        super().__init__()
        self.upper = nn.LSTM(4, 2, batch_first=True)
        self.lower = nn.LSTM(FEATURES, 4, batch_first=True)


def stepped(cell: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """h, and c of an LSTMCell, at every timestep."""
    state: Any = None
    states: list[tuple[torch.Tensor, ...]] = []
    for t in range(x.shape[1]):
        state = cell(x[:, t], state)
        states.append(state if isinstance(state, tuple) else (state,))
    return [torch.stack(one, 1) for one in zip(*states, strict=True)]


def fill(module: nn.Module, seed: int) -> None:
    """Random weights, and biases that are not zero."""
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=chance) * 0.6)


def alone(module: nn.RNNBase, layer: int) -> nn.RNNBase:
    """A module of one layer with the weights of that layer."""
    directions = 2 if module.bidirectional else 1
    width = (module.proj_size or module.hidden_size) * directions
    options: dict[str, Any] = {"nonlinearity": module.mode[4:].lower()} if module.mode.startswith("RNN") else {}
    if module.proj_size:
        options["proj_size"] = module.proj_size
    one: nn.RNNBase = KINDS[module.mode](
        module.input_size if not layer else width,
        module.hidden_size,
        bias=module.bias,
        bidirectional=module.bidirectional,
        batch_first=True,
        **options,
    ).to(next(module.parameters()).dtype)
    own = {name: getattr(module, name.replace("_l0", f"_l{layer}")).detach() for name in dict(one.named_parameters())}
    one.load_state_dict(own)
    return one


def states(one: nn.RNNBase, x: torch.Tensor) -> dict[tuple[str, str], torch.Tensor]:
    """h and c of a module of one layer after reading 1, 2, … timesteps, and from the end in its second direction."""
    found = {}
    for number, way in enumerate(("fwd", "bwd") if one.bidirectional else ("fwd",)):
        steps = []
        for t in range(x.shape[1]):
            _, last = one(x[:, t:] if way == "bwd" else x[:, : t + 1])
            steps.append([state[number] for state in (last if isinstance(last, tuple) else (last,))])
        for letter, state in zip("hc", zip(*steps, strict=True), strict=False):
            found[letter, way] = torch.stack(state, 1)
    return found


def expected(parts: Sequence[nn.Module], x: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """All states of modules and cells that read each other, and the output of the last."""
    found: dict[str, torch.Tensor] = {}
    number = 0
    for part in parts:
        if isinstance(part, nn.RNNCellBase):
            for letter, state in zip("hc", stepped(part, x), strict=False):
                found[f"{letter}.{number}.fwd"] = state
            x, number = found[f"h.{number}.fwd"], number + 1
            continue
        assert isinstance(part, nn.RNNBase)
        whole, _ = part(x)
        for layer in range(part.num_layers):
            one = alone(part, layer)
            for (letter, way), state in states(one, x).items():
                found[f"{letter}.{number}.{way}"] = state
            x, number = one(x)[0], number + 1
        assert torch.allclose(whole, x, atol=1e-6)
    return found, x


def recurrent() -> Iterator[tuple[str, nn.RNNBase, dict[str, Any]]]:
    """Recurrent modules by name, with what has to be chosen when they are read."""
    yield "projection", nn.LSTM(FEATURES, 5, 2, bidirectional=True, proj_size=2, batch_first=True), {}
    yield "gru2", nn.GRU(FEATURES, 3, 2, bidirectional=True, batch_first=True), {}
    yield "no_bias", nn.GRU(FEATURES, 3, bias=False, batch_first=True), {}
    yield "rnn_relu", nn.RNN(FEATURES, 4, 2, nonlinearity="relu", batch_first=True), {"activation": "relu"}
    yield "rnn_tanh", nn.RNN(FEATURES, 4, bidirectional=True, batch_first=True), {}
    yield "double", nn.LSTM(FEATURES, 4, batch_first=True).double(), {}
    yield "half", nn.GRU(FEATURES, 4, batch_first=True).half(), {}
    yield "bfloat16", nn.LSTM(FEATURES, 4, batch_first=True).bfloat16(), {}


def write(
    folder: Path,
    name: str,
    files: list[str],
    module: nn.Module,
    parts: Sequence[nn.Module],
    options: dict[str, Any] | None = None,
) -> None:
    """The numbers beside the files."""
    chance = torch.Generator().manual_seed(len(name))
    dtype = next(module.parameters()).dtype
    dtype = dtype if dtype == torch.float64 else torch.float32
    x = torch.randn((BATCH, T, FEATURES), generator=chance, dtype=dtype)
    shown = x
    if isinstance(module, Tagger):
        shown = torch.randint(VOCABULARY, (BATCH, T), generator=chance)
        x = module.embedding(shown)
    parts = [copy.deepcopy(part).to(dtype) for part in parts]
    found, y = expected(parts, x)
    arrays: dict[str, Any] = {key: state.detach().numpy() for key, state in found.items()}
    if isinstance(module, Tagger):
        y = module(shown)
    if isinstance(module, Pair):
        arrays["decoder"] = module.decoder(x[..., :2])[0].detach().numpy()
    count = sum(parameter.numel() for parameter in module.parameters())
    meta = {"files": files, "params": count, "choices": options or {}}
    np.savez_compressed(
        folder / f"{name}.expected.npz", x=shown.numpy(), y=y.detach().numpy(), meta=json.dumps(meta), **arrays
    )


def checkpoint(module: nn.Module) -> dict[str, Any]:
    """What a training loop saves."""
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.zeros((1, 2), dtype=torch.long)).sum().backward()
    optimizer.step()
    return {
        "epoch": 3,
        "model_state_dict": module.state_dict(),
        "optimizer_state_dict": optimizer.state_dict(),
        "losses": [0.5, 0.25],
        "device": torch.device("cpu"),
    }


def training(module: nn.Module) -> dict[str, Any]:
    """A checkpoint with what training loops keep beside the weights: schedulers, histories, settings, numbers."""
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    history = defaultdict(list, loss=[np.float64(0.5), np.float32(0.25)])
    return {
        "state_dict": OrderedDict((f"model.{key}", one) for key, one in module.state_dict().items()),
        "lr_schedulers": [torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5]).state_dict()],
        "optimizer_states": [optimizer.state_dict()],
        "hyper_parameters": argparse.Namespace(lr=0.1, folder=PurePosixPath("runs"), device=torch.device("cpu")),
        "history": history,
        "last": deque([1, 2], maxlen=3),
        "labels": Counter("aab"),
        "classes": {"x", "y"},
        "confusion": np.eye(2),
        "precision": torch.float32,
        "began": dt.datetime(2024, 1, 2, tzinfo=dt.UTC),
        "raw": b"bytes",
    }


def wrapped(state: dict[str, torch.Tensor], before: str) -> dict[str, torch.Tensor]:
    """A state dict as DataParallel and `torch.compile` name it."""
    return type(state)((before + key, value) for key, value in state.items())


def write_script(module: nn.Module, path: Path) -> None:
    """A TorchScript file, without what it says of the folders of the machine that it was written on."""
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(module), buffer)
    with zipfile.ZipFile(buffer) as whole, zipfile.ZipFile(path, "w") as archive:
        for member in whole.infolist():
            if not member.filename.endswith(".debug_pkl"):
                archive.writestr(zipfile.ZipInfo(f"tagger/{member.filename.partition('/')[2]}"), whole.read(member))


def write_shared(folder: Path) -> None:
    """All weights as views of one storage, in the older format and in the newer."""
    shared = nn.LSTM(FEATURES, 3, 2, bidirectional=True, batch_first=True)
    fill(shared, 40)
    flat = torch.cat([weight.detach().reshape(-1) for weight in shared.parameters()])
    places = np.cumsum([0, *(weight.numel() for weight in shared.parameters())])
    state = {
        name: flat[start:].as_strided(weight.shape, weight.stride(), int(start))
        for (name, weight), start in zip(shared.named_parameters(), places, strict=False)
    }
    first = dict(shared.named_parameters())["weight_ih_l0"].detach()
    state["weight_ih_l0"] = first.T.contiguous().T  # a view with its axes in another order
    torch.save(state, folder / "older.pt", _use_new_zipfile_serialization=False)
    torch.save(state, folder / "older.4.pt", pickle_protocol=4, _use_new_zipfile_serialization=False)
    torch.save(state, folder / "older.new.pt", pickle_protocol=5)
    write(folder, "older", ["older.pt", "older.4.pt", "older.new.pt"], shared, [shared])


def write_training(folder: Path, tagger: nn.Module) -> None:
    """Checkpoints with much beside the weights, in the older format and in every protocol."""
    found = training(tagger)
    torch.save(found, folder / "tagger.training.pt")
    torch.save(found, folder / "tagger.training.5.ckpt", pickle_protocol=5)
    torch.save(found, folder / "tagger.training.old.pt", _use_new_zipfile_serialization=False)


def write_stages(folder: Path) -> None:
    stages = Stages()
    fill(stages, 70)
    torch.save(stages.state_dict(), folder / "stages.pt")
    write(folder, "stages", ["stages.pt"], stages, [stages.lower, stages.upper])


def write_normed(folder: Path) -> None:
    """Weights of which a hook makes others: weight_norm in both forms, and fastai's dropout."""
    normed = nn.LSTM(FEATURES, 3, batch_first=True)
    fill(normed, 60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        older = nn.utils.weight_norm(copy.deepcopy(normed), "weight_hh_l0")
    newer = nn.utils.parametrizations.weight_norm(copy.deepcopy(normed), "weight_hh_l0")
    with torch.no_grad():
        for module, name in {
            older: "weight_hh_l0_g",
            newer: "parametrizations.weight_hh_l0.original0",
            normed: "weight_hh_l0",
        }.items():
            dict(module.named_parameters())[name].mul_(1.5)
    torch.save(older.state_dict(), folder / "normed.pt")
    torch.save(newer.state_dict(), folder / "normed.new.pt")
    write(folder, "normed", ["normed.pt", "normed.new.pt"], older, [normed])
    dropped = {("module." if name != "weight_hh_l0" else "") + name: one for name, one in normed.state_dict().items()}
    dropped["weight_hh_l0_raw"] = dropped.pop("weight_hh_l0")  # as fastai's WeightDropout has it
    dropped["module.weight_hh_l0"] = dropped["weight_hh_l0_raw"] * 0
    torch.save({f"0.rnns.0.{name}": one for name, one in dropped.items()}, folder / "dropped.pt")
    write(folder, "dropped", ["dropped.pt"], normed, [normed])


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, module, options) in enumerate(recurrent()):
        fill(module, seed)
        torch.save(module.state_dict(), folder / f"{name}.pt")
        save_file(module.state_dict(), folder / f"{name}.safetensors")
        write(folder, name, [f"{name}.pt", f"{name}.safetensors"], module, [module], options)
    cells: dict[str, tuple[Cells, dict[str, Any]]] = {
        "lstm_cells": (Cells(nn.LSTMCell, FEATURES, 4, 2), {}),
        "gru_cells": (Cells(nn.GRUCell, FEATURES, 3), {}),
        "rnn_cells": (Cells(nn.RNNCell, FEATURES, 4, 3, 2, nonlinearity="relu"), {"activation": "relu"}),
    }
    for seed, (name, (stack, options)) in enumerate(cells.items()):
        fill(stack, 20 + seed)
        torch.save(stack.state_dict(), folder / f"{name}.pth")
        write(folder, name, [f"{name}.pth"], stack, list(stack.cells.children()), options)
    tagger = Tagger()
    fill(tagger, 30)
    torch.save(tagger.state_dict(), folder / "tagger.pt")
    torch.save(wrapped(tagger.state_dict(), "module._orig_mod."), folder / "tagger.wrapped.pth")
    save_file(wrapped(tagger.state_dict(), "_orig_mod.module."), folder / "tagger.safetensors", {"format": "pt"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        write_script(tagger, folder / "tagger.script.pt")
    files = ["tagger.pt", "tagger.wrapped.pth", "tagger.safetensors", "tagger.script.pt", "tagger.checkpoint.pt"]
    files += ["tagger.training.pt", "tagger.training.5.ckpt", "tagger.training.old.pt"]
    write_training(folder, tagger)
    write(folder, "tagger", files, tagger, [tagger.lstm])
    torch.save(checkpoint(copy.deepcopy(tagger)), folder / "tagger.checkpoint.pt")
    state = torch.load(folder / "tagger.checkpoint.pt")
    state["model_state_dict"] = tagger.state_dict()
    torch.save(state, folder / "tagger.checkpoint.pt")
    write_shared(folder)
    pair = Pair()
    fill(pair, 50)
    torch.save(pair.state_dict(), folder / "pair.pt")
    write(folder, "pair", ["pair.pt"], pair, [pair.encoder])
    write_normed(folder)
    write_stages(folder)


if __name__ == "__main__":
    main()
