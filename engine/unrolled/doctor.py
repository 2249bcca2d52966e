"""What would have to be read otherwise, so that a model's numbers agree with those of a framework.

Each mistake that is common (see `remedies`) is tried in the layers that may be to blame: those up to the first one
whose numbers part, without those before it whose numbers are known to agree. Where none explains the numbers, the
start of the sequence and the bias are looked at, as they show themselves, and then two mistakes at once are tried.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from unrolled.agreement import Place, Report
from unrolled.errors import OptionError, SequenceFileError, ShapeError
from unrolled.evidence import HIDDEN, Evidence, passes_over
from unrolled.formats.model import Model
from unrolled.known_outputs import another_bias, another_start, known_outputs
from unrolled.mistakes import Kind
from unrolled.network import NetworkLayer, Recurrent
from unrolled.npy import AnyArray
from unrolled.remedies import Account, Remedy, changed, directions_of, remedies, shown
from unrolled.rounded import rounded_here, rounded_there
from unrolled.stretch import Stretch
from unrolled.verify import Told, compared, evidence_of

SECONDS = 20.0
"""So long the search may take."""

_FEW = 3
"""A mistake that does not explain the first so many timesteps is out."""

_ALONE, _OUTPUTS = 0.6, 0.75
"""So much of the time is spent when all mistakes were tried alone, and when the outputs were looked at."""

_AFTER_A_FINDING = 3.0
"""So many seconds more are spent on what would explain the numbers as well."""

_ENOUGH_DIGITS = 8
"""So many digits, of all different numbers together, leave no room for a mistake that explains them by chance."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that would make the numbers agree.

    Attributes:
        truth: What would have to be so, as a clause.
        largest: The largest difference that is left then.
    """

    truth: str
    largest: float

    @property
    def sentence(self) -> str:
        """The same as a sentence."""
        return f"they agree to {self.largest:.2g} if {self.truth}"


@dataclass(frozen=True, eq=False, slots=True)
class Diagnosis:
    """What the doctor says.

    Attributes:
        findings: All that would make the numbers agree, usually one.
        tried: How many mistakes were tried, alone or two at once.
        untried: How many were not, as that would have taken too long.
        remark: What there is to say instead of a search.
        unseen: The recurrent layers that may be to blame, and whose start and bias could not be looked at.
    """

    findings: tuple[Finding, ...] = ()
    tried: int = 0
    untried: int = 0
    remark: str = ""
    unseen: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """The same in sentences: one for each finding, or that there is none."""
        if self.remark:
            return (self.remark,)
        told = [finding.sentence for finding in self.findings]
        if len(told) > 1:
            told.append(f"the numbers of this file do not tell these {len(told)} apart")
        if told:
            return tuple(told)
        if self.untried:
            none = f"none of the {self.tried:,} tried explains it{self._unseen}"
            return none, f"the search was cut short: {self.untried:,} more were not tried"
        return (
            f"none of the common mistakes explains it ({self.tried:,} tried, alone and two at once): gate order, "
            f"bias, activation, transposition, equations, direction, initial state, order of the layers, "
            f"rounding, another array{self._unseen}",
        )

    @property
    def _unseen(self) -> str:
        """What could not be looked at, as a clause behind a sentence."""
        if not self.unseen:
            return ""
        names = " and ".join(self.unseen) if len(self.unseen) <= _FEW else f"{len(self.unseen):,} layers"
        return f"; whether another bias or initial state does could not be seen in {names}"


def diagnose(
    model: Model,
    arrays: Mapping[str, AnyArray],
    report: Report,
    layer: str | None = None,
    tolerance: float | None = None,
    *,
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.monotonic,
    told: Told = lambda _done, _of: None,
) -> Diagnosis:
    """Finds what would make the numbers agree: see `verify` for the arguments, of which `report` came.

    Args:
        model: The model.
        arrays: The arrays.
        report: What they differ in.
        layer: A layer of the stretch that reads `x`.
        tolerance: The largest difference that is none.
        seconds: How long the search may take.
        clock: Tells the time.
        told: Told how much of the search is done.

    Raises:
        OptionError: If there is no such layer.
    """
    stretch = model.network.stretch(layer)
    evidence, _ = evidence_of(model, stretch, arrays, report.batch_first, tolerance)
    account = Account(model.network, evidence)
    usual, _ = evidence_of(model, stretch, arrays, report.batch_first, None)
    remark = (
        _inconclusive(evidence, report)
        or _no_more(usual, report)
        or rounded_here(account, report, stretch.recurrent[0].name)
    )
    if remark:
        return Diagnosis(remark=remark)
    blamed = _blamed(stretch, report)
    ones = [
        *_other_layouts(model, stretch, arrays, report, tolerance),
        *rounded_there(account),
        *remedies(account, stretch, blamed, model.framework),
    ]
    begun = clock()
    pairs = _pairs(ones)
    search = _Search(account, stretch, report.first, clock, told, planned=len(ones) + len(pairs))
    search.through([(one,) for one in ones], until=begun + _ALONE * seconds)
    if not search.found and stretch.recurrent[-1] in blamed:
        search.from_outputs(until=begun + _OUTPUTS * seconds)
    if not search.found:
        search.through(pairs, until=begun + seconds)
    findings = tuple(finding for finding, _ in search.found)
    recurrent = [each.name for each in blamed if isinstance(each, Recurrent)]
    unseen = tuple(name for name in recurrent if name != search.looked_at)
    return Diagnosis(findings, search.tried, search.untried, unseen=unseen)


def _inconclusive(evidence: Evidence, report: Report) -> str:
    """Why nothing can be concluded from what parts, if so."""
    digits = 0.0
    parted = [each for each in report.compared if not each.agrees]
    for each in parted:
        if not np.isfinite(each.worst.theirs):
            return f"{each.name} is {each.worst.theirs} at {each.worst}: nothing can be concluded from that"
        given = evidence.arrays[each.name]
        values = given.values[np.isfinite(given.values)].astype(np.float64)
        spread, step = float(np.ptp(values)), max(2 * given.tolerance, 1e-15)
        if spread <= step and values.size > 1:
            continue
        digits += len(np.unique(np.round(values / step))) * np.log10(max(1.0, max(spread, abs(values).max()) / step))
    if digits >= _ENOUGH_DIGITS:
        return ""
    first = parted[0]
    if first.values > 1 and not digits:
        return f"{first.name} is {first.worst.theirs:.7g} everywhere: nothing can be concluded from that"
    return f"{first.name} has too few different numbers to tell one mistake from another"


def _no_more(usual: Evidence, report: Report) -> str:
    """That no more is to be had, if the differences are no larger than usual."""
    if any(each.largest > usual.arrays[each.name].tolerance for each in report.compared):
        return ""
    return f"they agree to {report.largest:.2g}, and no more is to be had in numbers of this precision"


def _blamed(stretch: Stretch, report: Report) -> tuple[NetworkLayer, ...]:
    """The layers that may be to blame, in their order."""
    parted = min(each.place for each in report.compared if not each.agrees)
    right = [each.place for each in report.compared if each.agrees and each.place < parted and each.is_output]
    return stretch.layers[max(right, default=-1) + 1 : parted + 1]


def _other_layouts(
    model: Model, stretch: Stretch, arrays: Mapping[str, AnyArray], report: Report, tolerance: float | None
) -> Iterator[Remedy]:
    """Samples and timesteps in the other order. Of an ONNX graph both were tried."""
    if model.framework == "ONNX":
        return
    order, option = ("(T, batch, …)", "--no-batch-first") if report.batch_first else ("(batch, T, …)", "--batch-first")
    with suppress(ShapeError):
        other, _ = evidence_of(model, stretch, arrays, not report.batch_first, tolerance)
        said = f"; {option} says so" if model.framework == "PyTorch" else ""
        turned = partial(replace, evidence=other)
        yield Remedy(Kind.FILE, "", f"the arrays are {order}{said}", turned, is_rare=True)


def _pairs(ones: Sequence[Remedy]) -> list[tuple[Remedy, ...]]:
    """Two mistakes of different kinds at the same place, or one of a layer and one of another thing.

    Not in one direction alone of several: that would be too many.
    """
    common = [one for one in ones if not one.is_rare and not one.where.endswith(("/forward", "/backward"))]
    anywhere = (Kind.NETWORK, Kind.ARRAY)
    return [
        (one, other)
        for one, other in combinations(common, 2)
        if one.kind != other.kind and (one.where == other.where or one.kind in anywhere or other.kind in anywhere)
    ]


@dataclass(eq=False, slots=True)
class _Search:
    """One search: what is tried, how long it may take, and what was found.

    Attributes:
        account: How the model and the file are read.
        stretch: The layers.
        first: Where they first part.
        clock: Tells the time.
        told: Told how much of it is done.
        planned: How many mistakes there are to try.
        tried: How many were tried.
        untried: How many were not, as the time was up.
        looked_at: The layer whose start and bias were looked at, as its true output is in the file.
        found: What explains the numbers, each with how the model and the file are read then.
    """

    account: Account
    stretch: Stretch
    first: Place | None
    clock: Callable[[], float]
    told: Told
    planned: int
    tried: int = 0
    untried: int = 0
    looked_at: str | None = None
    found: list[tuple[Finding, Account]] = field(default_factory=list)

    def through(self, ways: Sequence[tuple[Remedy, ...]], until: float) -> None:
        """Tries them one after the other, as long as there is time."""
        for number, way in enumerate(ways):
            if self.clock() > until:
                self.untried += len(ways) - number
                return
            if self._try(way) and len(self.found) == 1:
                until = min(until, self.clock() + _AFTER_A_FINDING)
            self.tried += 1
            self.told(self.tried, self.planned)

    def _try(self, way: tuple[Remedy, ...]) -> bool:
        """Whether it explains the numbers, and does so in a way that is not known."""
        with suppress(ShapeError, OptionError, SequenceFileError):  # it cannot be read so, so it is not that
            account: Account | None = self.account
            for one in sorted(way, key=lambda one: one.kind):
                account = None if account is None else one.change(account)
            if account is not None:
                return self._explains(_clause(way), account)
        return False

    def _explains(self, truth: str, account: Account) -> bool:
        layer = self.stretch.recurrent[0].name
        for part in self._parts(account):
            if not all(each.agrees for each in compared(account.network, part, layer)):
                return False
        whole = compared(account.network, account.evidence, layer)
        if not all(each.agrees for each in whole) or any(_alike(account, other) for _, other in self.found):
            return False
        self.found.append((Finding(truth, max(each.largest for each in whole)), account))
        return True

    def _parts(self, account: Account) -> Iterator[Evidence]:
        """What is enough to see that something explains nothing: the ends of a sample, and then the whole of it."""
        sample = 0 if self.first is None or self.first.sample is None else self.first.sample
        one = account.evidence.sample(min(sample, len(account.evidence.x) - 1))
        yield from _ends(one, account.network.stretch(self.stretch.recurrent[0].name))
        if len(account.evidence.x) > 1:
            yield one

    def from_outputs(self, until: float) -> None:
        """Looks at the start and the bias of the last layer, where its true output is in the file."""
        known = list(known_outputs(self.account, self.stretch))
        if not known:
            return
        layer = self.looked_at = known[0].holder
        largest = another_start(known)
        if largest is not None:
            truth = f"in {layer} the initial state is another one: each further timestep follows from those before"
            self.found.append((Finding(truth, largest), self.account))
            return
        biases = {each.name: another_bias(each, lambda: self.clock() > until) for each in known}
        changes = {
            name: lambda cell, bias=bias: cell.with_weights(cell.kernel, cell.recurrent_kernel, bias)
            for name, bias in biases.items()
            if bias is not None
        }
        if changes:
            told = "another bias is added (as when one of two is left out, or both are added where they must not be)"
            self._try((Remedy(Kind.BIAS, f"in {layer}", told, changed([layer], changes)),))


def _clause(way: tuple[Remedy, ...]) -> str:
    """All of it as a clause, with a place that is the same for both said once."""
    first, *others = way
    return " and ".join([first.clause, *(one.truth if one.where == first.where else one.clause for one in others)])


def _ends(one: Evidence, stretch: Stretch) -> Iterator[Evidence]:
    """The few timesteps that each direction reads first, where they can be computed without the others."""
    if one.x.shape[1] <= _FEW or passes_over(stretch):
        return
    ways = {direction.backwards for layer in stretch.recurrent for direction in layer.directions}
    start, end = slice(0, _FEW), slice(-_FEW, None)
    if ways == {False} and any(given.values.ndim == 3 for given in one.arrays.values()):
        yield one.timesteps(start)
    if len(stretch.recurrent) == 1 and ways == {False, True}:
        for name, layer in shown(one, stretch):
            halves = directions_of(layer, one.arrays[name].values)
            for (direction, half), times in zip(halves.items(), (start, end), strict=False):
                alone = replace(one, arrays={name: one.arrays[name]}).instead(name, {f"{direction}/{HIDDEN}": half})
                yield alone.timesteps(times)


def _alike(one: Any, other: Any) -> bool:
    """Whether two accounts say the same, down to the last number."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and np.array_equal(one, other, equal_nan=True)
    if type(one) is not type(other):
        return False
    if is_dataclass(one):
        return all(_alike(getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    return bool(one == other)
