"""Asking the user for what a file does not say: the answer is an option, and what was taken is always told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from unrolled.arrays import Array
from unrolled.choices import Choices
from unrolled.finite import not_finite

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the command line.

    Attributes:
        name: What is typed.
        what: What it answers, with its verb.
    """

    name: str
    what: str

    def typed(self, answer: object) -> str:
        """What is typed for an answer, without a value that stands behind it."""
        return self.name.replace("--", "--no-", 1) if answer is False else self.name


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked while a file is read.

    Attributes:
        choices: What the user says.
        remarks: What there is to tell of the file, and of each answer: one sentence each.
        asked: The questions that came up.
        options: The option for each question, in the words of the framework.
    """

    choices: Choices
    remarks: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    options: Mapping[str, Option] = field(default_factory=lambda: OPTIONS)

    def remark(self, sentence: str) -> None:
        """Tells something, once."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def remark_not_finite(self, where: str, numbers: Array) -> None:
        """Tells how many numbers of an array are NaN or infinite, if any are."""
        found = not_finite(numbers)
        if found is not None:
            self.remark(f"{where}: {found.told(str(list(found.first)))}")

    def ask(self, question: str, usual: Answer, told: Callable[[Answer], str] = str, otherwise: str = "") -> Answer:
        """The user's answer to the question of that name in `Choices`, or else `usual`; either is told.

        Args:
            question: The question.
            usual: What is taken where the user says nothing.
            told: How an answer is told.
            otherwise: What to type for another answer; if it is empty, the name of the option.
        """
        self.asked.add(question)
        option = self.options[question]
        answer = getattr(self.choices, question)
        if answer is None:
            other = otherwise or option.typed(not usual if isinstance(usual, bool) else usual)
            self.remark(f"{option.what} not in the file: taken {told(usual)}; {other} says otherwise")
            return usual
        self.remark(f"{option.what} not in the file: {told(answer)}, as {option.typed(answer)} says")
        return answer  # type: ignore[no-any-return]  # a field of Choices holds what its question asks for

    def finished(self) -> tuple[str, ...]:
        """All remarks, with one for each answer that nobody asked for."""
        for question, option in self.options.items():
            answer = getattr(self.choices, question)
            if answer is not None and question not in self.asked:
                typed = option.typed(answer)
                self.remark(f"{typed} is not needed: the file says it itself, or has nothing of the kind")
        return tuple(self.remarks)


OPTIONS: dict[str, Option] = {
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
    "opset": Option("--opset", "the opset is"),
}
"""The option for each question."""

PYTORCH: dict[str, Option] = {
    **OPTIONS,
    "activation": Option("--activation", "the nonlinearity of the RNN is"),
    "dense_activation": Option("--dense-activation", "what is applied to the output of the Linear layer is"),
    "return_sequences": Option("--return-sequences", "whether the Linear layer reads every timestep is"),
    "layer_order": Option("--layer-order", "the order of the modules is"),
    "batch_first": Option("--batch-first", "batch_first is"),
}
"""The same in the words of PyTorch."""
