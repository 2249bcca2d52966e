"""Asking the user for what a file does not say: the answer is an option, and what was taken is always told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from unrolled.choices import Choices

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked while a file is read.

    Attributes:
        choices: What the user says.
        remarks: What there is to tell of the file, and of each answer: one sentence each.
        asked: The questions that came up.
    """

    choices: Choices
    remarks: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def remark(self, sentence: str) -> None:
        """Tells something, once."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def ask(self, question: str, usual: Answer, told: Callable[[Answer], str] = str) -> Answer:
        """The user's answer to the question of that name in `Choices`, or else `usual`; either is told."""
        self.asked.add(question)
        option = OPTIONS[question]
        answer = getattr(self.choices, question)
        if answer is None:
            self.remark(f"{option.what} not in the file: taken {told(usual)}; {option.name} says otherwise")
            return usual
        self.remark(f"{option.what} not in the file: {told(answer)}, as {option.name} says")
        return answer  # type: ignore[no-any-return]  # a field of Choices holds what its question asks for

    def finished(self) -> tuple[str, ...]:
        """All remarks, with one for each answer that nobody asked for."""
        for question, option in OPTIONS.items():
            if getattr(self.choices, question) is not None and question not in self.asked:
                self.remark(f"{option.name} is not needed: the file says it itself, or has nothing of the kind")
        return tuple(self.remarks)


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the command line.

    Attributes:
        name: What is typed.
        what: What it answers, with its verb.
    """

    name: str
    what: str


OPTIONS = {
    "activation": Option("--activation", "the activation is"),
    "recurrent_activation": Option("--recurrent-activation", "the activation of the gates is"),
    "dense_activation": Option("--dense-activation", "the activation of Dense layers is"),
    "reset_after": Option("--reset-after", "where the GRU resets is"),
    "merge": Option("--merge", "how both directions are joined is"),
    "return_sequences": Option("--return-sequences", "whether the last recurrent layer returns sequences is"),
    "mask_zero": Option("--mask-zero", "whether token 0 is padding is"),
    "keras_version": Option("--keras-version", "the version of Keras is"),
    "layer_order": Option("--layer-order", "the order of the layers is"),
    "batch_first": Option("--batch-first", "whether the batch comes before the timesteps is"),
}
"""The option for each question."""
