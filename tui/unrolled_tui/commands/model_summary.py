"""A whole model as text: its layers and their parameters, as the framework's own summary counts them."""

from collections.abc import Iterator

from unrolled import Model, Tally, tally
from unrolled.network import Dense, Embedding, Foreign, Network, NetworkLayer, Recurrent
from unrolled_tui.commands.printing import aligned, many

_FRAMEWORKS = ("Keras", "PyTorch", "ONNX")
_KINDS = {"PyTorch": {"Dense": "Linear", "SimpleRNN": "RNN", "Bidirectional(SimpleRNN)": "Bidirectional(RNN)"}}
"""What a framework calls a kind of layers that has another name in Keras."""


def whole(model: Model) -> Iterator[str]:
    """The lines about a model: a row for each layer, the sum, and the sum as other frameworks count it."""
    network = model.network
    count = many(network.parameters, "parameter")
    as_counted = f", as {model.framework} counts them" if model.framework else ""
    yield f"{model.name} · {count}{as_counted}"
    yield ""
    kinds = _KINDS.get(model.framework, {})
    rows = [("layer", "kind", "output", "parameters")]
    for layer, counted in zip(network.layers, network.counts, strict=True):
        computed = "" if not isinstance(layer, Foreign) else ", not computed"
        kind = kinds.get(counted.kind, counted.kind)
        rows.append((layer.name, f"{kind}{computed}", _output(layer), str(counted.parameters)))
    rows.append(("sum", "", "", str(network.parameters)))
    yield from aligned(rows, left=2)
    others = [*_elsewhere(network, model.framework), *_unlike_the_arrays(network, model.framework or "the file")]
    if others:
        yield ""
        yield from others


def _output(layer: NetworkLayer) -> str:
    """How many features its output has, where that is its own."""
    match layer:
        case Embedding():
            return str(layer.table.shape[1])
        case Dense():
            return str(layer.kernel.shape[1])
        case Recurrent() if layer.outputs is None:
            return " + ".join(str(direction.layer.outputs) for direction in layer.directions)
        case Recurrent():
            return str(layer.outputs)
    return ""


def _elsewhere(network: Network, framework: str) -> Iterator[str]:
    """The sum as the other frameworks count it, where it is another; those that agree are told together."""
    counted = [tally(direction.layer) for layer in network.recurrent for direction in layer.directions]
    ours = sum(count.parameters for count in network.counts)
    around = ours - sum(_parameters(layer) for layer in network.recurrent)
    told: dict[int, list[str]] = {}
    for other in _FRAMEWORKS:
        totals = [_total(each, other) for each in counted]
        if other != framework and None not in totals:
            told.setdefault(around + sum(filter(None, totals)), []).append(other)
    for total, names in told.items():
        if total != ours:
            difference = f"{abs(total - ours)} {'more' if total > ours else 'fewer'}"
            yield f"{', '.join(names)}  {total}, {difference}: the biases of recurrent layers, each told below"


def _total(counted: Tally, framework: str) -> int | None:
    """The parameters of a layer as a framework counts them; None if it has no such layer."""
    own, *_ = counted.conventions
    if own.name == "no bias":
        return own.total
    return next((each.total for each in counted.conventions if framework in each.name), None)


def _unlike_the_arrays(network: Network, framework: str) -> Iterator[str]:
    """Layers of which the file has more than is read, such as cuDNN's, whose two biases are added."""
    for layer in network.recurrent:
        counted = [tally(direction.layer) for direction in layer.directions]
        held = sum(each.total for each in counted)
        if _parameters(layer) != held:
            alike = zip(*(each.conventions for each in counted), strict=True)
            sums = {conventions[0].reason: sum(each.total for each in conventions) for conventions in alike}
            reason = next((f": {reason}" for reason, total in sums.items() if total == _parameters(layer)), "")
            yield f"{layer.name}  {_parameters(layer)} as {framework} counts, {held} in the gates below{reason}"


def _parameters(layer: Recurrent) -> int:
    if layer.parameters is not None:
        return layer.parameters
    return sum(tally(direction.layer).total for direction in layer.directions)
