"""Whether a model's numbers agree with what a framework computed: the report, and where they first part."""

from dataclasses import dataclass

from unrolled.evidence import AT_LAST, HIDDEN, OUTPUT
from unrolled.text import printable


@dataclass(frozen=True, slots=True)
class Place:
    """Two numbers that should be one.

    Attributes:
        array: The name of the array that has it.
        layer: The layer.
        unit: The unit, from 0.
        t: The timestep, from 0; None where there is one number for the whole sequence.
        sample: The sample, from 0; None where there is no axis for samples.
        ours: What is computed here.
        theirs: What the file has.
    """

    array: str
    layer: str
    unit: int
    t: int | None
    sample: int | None
    ours: float
    theirs: float

    def __str__(self) -> str:
        """Where it is, counted from 1."""
        parts = [self.layer, f"unit {self.unit + 1:,}"]
        if self.t is not None:
            parts.append(f"timestep {self.t + 1:,}")
        if self.sample is not None:
            parts.append(f"sample {self.sample + 1:,}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Compared:
    """One array beside what is computed here.

    Attributes:
        name: Its name.
        layer: The layer that it is of.
        place: Where that stands in the network.
        values: How many numbers it has.
        tolerance: The largest difference that is none, for numbers up to 1; in proportion to larger ones.
        largest: The largest difference, measured in the same way.
        worst: Where that is.
        first: Where they first part; None if they agree.
        sooner: The order of `first` among such places of one layer.
    """

    name: str
    layer: str
    place: int
    values: int
    tolerance: float
    largest: float
    worst: Place
    first: Place | None
    sooner: tuple[int, int]

    @property
    def agrees(self) -> bool:
        """Whether no number differs by more than the tolerance."""
        return self.first is None

    @property
    def is_output(self) -> bool:
        """Whether it is what a layer gives to the next one."""
        return self.name.rpartition("/")[2].removesuffix(AT_LAST) in (HIDDEN, OUTPUT)


@dataclass(frozen=True, eq=False, slots=True)
class Report:
    """What came out of it.

    Attributes:
        model: The name of the model's file, printable.
        against: The name of what it was verified against, printable.
        compared: The arrays, in the order of the network.
        ignored: Those that are not known, printable.
        batch_first: Whether the axis of the samples was taken to come before the timesteps.
    """

    model: str
    against: str
    compared: tuple[Compared, ...]
    ignored: tuple[str, ...]
    batch_first: bool

    @property
    def agrees(self) -> bool:
        """Whether all numbers agree."""
        return all(each.agrees for each in self.compared)

    @property
    def values(self) -> int:
        """How many numbers were compared."""
        return sum(each.values for each in self.compared)

    @property
    def largest(self) -> float:
        """The largest difference."""
        return max(each.largest for each in self.compared)

    @property
    def tolerance(self) -> float:
        """The largest tolerance, as that of arrays in less precise numbers is larger."""
        return max(each.tolerance for each in self.compared)

    @property
    def first(self) -> Place | None:
        """Where they first part: in the first layer, the timestep that it comes to first; None if they agree."""
        parted = [each for each in self.compared if each.first is not None]
        return min(parted, key=lambda each: (each.place, each.sooner)).first if parted else None

    @property
    def badge(self) -> str:
        """The same in a few words, for a title."""
        first = self.first
        if first is None:
            return f"verified against {self.against}" + (f" ({self.largest:.1g})" if self.largest else "")
        return f"parts from {self.against} at {first}"

    @property
    def sentence(self) -> str:
        """All of this in one sentence."""
        names = ", ".join(printable(each.name, 60) for each in self.compared)
        first = self.first
        if first is None:
            largest = f"to {self.largest:.2g}" if self.largest else "exactly"
            return (
                f"{self.model} agrees with {self.against} {largest}: {self.values:,} numbers of {names} "
                f"(tolerance {self.tolerance:.2g})"
            )
        worst = max(self.compared, key=lambda each: each.largest)
        return (
            f"{self.model} parts from {self.against} at {first}: {printable(first.array, 60)} is {first.ours:.7g} here "
            f"and {first.theirs:.7g} there; the largest difference is {worst.largest:.2g}, in "
            f"{printable(worst.name, 60)} at {worst.worst} (tolerance {worst.tolerance:.2g})"
        )
