"""Makes the files in `models/onnx` that PyTorch's two exporters write, with the numbers of ONNX Runtime beside them.

It takes PyTorch, which the tests do not: python tests/formats/make_onnx_models.py
"""

import importlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

FOLDER = Path(__file__).parent / "models" / "onnx"
BATCH, TIMESTEPS, FEATURES, UNITS = 2, 6, 3, 4


class Sequences(nn.Module):
    """A recurrent layer and a Dense layer at every timestep."""

    def __init__(self, rnn: Any, width: int) -> None:
        super().__init__()
        self.rnn, self.fc = rnn, nn.Linear(width, 2)

    def forward(self, x: Any) -> Any:
        return torch.sigmoid(self.fc(self.rnn(x)[0]))


class LastHidden(Sequences):
    """A Dense layer on the last layer's last hidden state."""

    def forward(self, x: Any) -> Any:
        return torch.softmax(self.fc(self.rnn(x)[1][0][-1]), dim=-1)


class LastHiddenOfBoth(Sequences):
    """A Dense layer on the last hidden states of both directions."""

    def forward(self, x: Any) -> Any:
        h = self.rnn(x)[1]
        return self.fc(torch.cat((h[-2], h[-1]), dim=1))


class LastTimestep(Sequences):
    """A Dense layer on the last timestep."""

    def forward(self, x: Any) -> Any:
        return self.fc(self.rnn(x)[0][:, -1])


class LastTimestepLogarithms(Sequences):
    """A multilayer perceptron on the last timestep, and the logarithms of probabilities."""

    def __init__(self, rnn: Any, width: int) -> None:
        super().__init__(rnn, width)
        self.dropout, self.out = nn.Dropout(0.5), nn.Linear(2, 3)

    def forward(self, x: Any) -> Any:
        inner = torch.relu(self.fc(self.rnn(x)[0][:, x.shape[1] - 1, :]))
        return torch.log_softmax(self.out(self.dropout(inner)), dim=-1)


class BothEnds(Sequences):
    """A Dense layer on what each direction puts out at the timestep that it comes to last."""

    def forward(self, x: Any) -> Any:
        y = self.rnn(x)[0]
        return self.fc(torch.cat((y[:, -1, :UNITS], y[:, 0, UNITS:]), dim=1))


class Words(Sequences):
    """Token ids in, and a learned state to begin with."""

    def __init__(self, rnn: Any, width: int) -> None:
        super().__init__(rnn, width)
        self.embedding = nn.Embedding(7, FEATURES)
        self.h, self.c = (nn.Parameter(torch.randn(1, 1, UNITS)) for _ in range(2))

    def forward(self, x: Any) -> Any:
        batch = x.shape[0]
        states = (self.h.expand(1, batch, UNITS).contiguous(), self.c.expand(1, batch, UNITS).contiguous())
        return self.fc(self.rnn(self.embedding(x), states)[0])


def export(
    name: str, model: nn.Module, x: Any, *, dynamo: bool, opset: int | None = None, dynamic: bool | None = None
) -> None:
    """Writes one file, and what ONNX Runtime makes of it; of a dynamic one sizes are open, if the exporter can."""
    path = FOLDER / f"{name}.onnx"
    torch.manual_seed(len(name))
    for parameter in model.parameters():
        nn.init.uniform_(parameter, -0.7, 0.7)
    onnxruntime: Any = importlib.import_module("onnxruntime")
    axes: dict[str, Any] = {}
    if not dynamo:
        axes = {"dynamic_axes": {"x": {0: "batch", 1: "time"}}}
    elif dynamic:
        sizes = {0: torch.export.Dim("batch", min=1, max=99), 1: torch.export.Dim("time", min=1, max=99)}
        axes = {"dynamic_shapes": (sizes,), "external_data": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        version = opset or (18 if dynamo else 17)
        torch.onnx.export(
            model.eval(), (x,), str(path), input_names=["x"], dynamo=dynamo, opset_version=version, **axes
        )
    without_paths(path)
    (y,) = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"x": x.numpy()})
    np.savez(path.with_suffix(".expected.npz"), x=x.numpy(), y=y)


def without_paths(path: Path) -> None:
    """Takes off what the exporter tells of the machine that it ran on: the stack at each node."""
    proto = onnx.load(str(path), load_external_data=False)
    del proto.metadata_props[:], proto.graph.metadata_props[:]
    for part in (*proto.graph.node, *proto.graph.input, *proto.graph.output, *proto.graph.value_info):
        del part.metadata_props[:]
    for node in proto.graph.node:
        node.ClearField("doc_string")
    path.write_bytes(proto.SerializeToString())


def main() -> None:
    """Makes them all."""
    torch.manual_seed(1)
    x = torch.randn(BATCH, TIMESTEPS, FEATURES)
    both = {"num_layers": 2, "bidirectional": True, "batch_first": True}
    export("ts_lstm_both", Sequences(nn.LSTM(FEATURES, UNITS, **both), 2 * UNITS), x, dynamo=False)
    export("ts_gru_two", Sequences(nn.GRU(FEATURES, UNITS, 2, batch_first=True), UNITS), x, dynamo=False)
    export(
        "ts_rnn_relu", Sequences(nn.RNN(FEATURES, UNITS, nonlinearity="relu", batch_first=True), UNITS), x, dynamo=False
    )
    export("ts_last_hidden", LastHidden(nn.LSTM(FEATURES, UNITS, 2, batch_first=True), UNITS), x, dynamo=False)
    export(
        "ts_both_hidden",
        LastHiddenOfBoth(nn.GRU(FEATURES, UNITS, batch_first=True, bidirectional=True), 2 * UNITS),
        x,
        dynamo=False,
    )
    export("ts_last_timestep", LastTimestep(nn.LSTM(FEATURES, UNITS, batch_first=True), UNITS), x, dynamo=False)
    words = torch.randint(0, 7, (BATCH, TIMESTEPS))
    export("ts_words", Words(nn.LSTM(FEATURES, UNITS, batch_first=True), UNITS), words, dynamo=False)
    export("dynamo_lstm_both", Sequences(nn.LSTM(FEATURES, UNITS, **both), 2 * UNITS), x, dynamo=True)
    export("dynamo_last_hidden", LastHidden(nn.LSTM(FEATURES, UNITS, 2, batch_first=True), UNITS), x, dynamo=True)
    export("dynamo_gru_two", Sequences(nn.GRU(FEATURES, UNITS, 2, batch_first=True), UNITS), x, dynamo=True)
    export("dynamo_unrolled_rnn", Sequences(nn.RNN(FEATURES, UNITS, batch_first=True), UNITS), x, dynamo=True)
    last_timesteps(x)


def last_timesteps(x: Any) -> None:
    """Makes those that predict once, of the last timestep, by the oldest and a new opset of both exporters."""

    def lstm(layers: int = 1, *, both: bool = False) -> Any:
        return nn.LSTM(FEATURES, UNITS, layers, batch_first=True, bidirectional=both)

    for opset in (11, 20):
        export(f"ts_last_timestep_{opset}", LastTimestep(lstm(), UNITS), x, dynamo=False, opset=opset)
        export(f"ts_logarithms_{opset}", LastTimestepLogarithms(lstm(2), UNITS), x, dynamo=False, opset=opset)
    export("ts_both_last_timestep", LastTimestep(lstm(both=True), 2 * UNITS), x, dynamo=False)
    export("ts_both_ends", BothEnds(lstm(both=True), 2 * UNITS), x, dynamo=False)
    dynamic = {"dynamo": True, "dynamic": True}
    export("dynamo_last_timestep", LastTimestep(lstm(2), UNITS), x, opset=20, **dynamic)
    export("dynamo_logarithms", LastTimestepLogarithms(lstm(), UNITS), x, opset=20, **dynamic)
    export("dynamo_both_last_timestep", LastTimestep(lstm(2, both=True), 2 * UNITS), x, **dynamic)
    export(
        "dynamo_both_ends",
        BothEnds(nn.GRU(FEATURES, UNITS, batch_first=True, bidirectional=True), 2 * UNITS),
        x,
        **dynamic,
    )


if __name__ == "__main__":
    main()
