"""Which Keras wrote a file. Its versions give the same name to different functions, and had other defaults."""

import re
from dataclasses import dataclass

HARD_SIGMOID = "hard_sigmoid"
_SAME = {"swish": "silu", "hard_swish": "hard_silu", "exp": "exponential"}


@dataclass(frozen=True, slots=True)
class KerasVersion:
    """The version of Keras that wrote a file.

    Attributes:
        major: 1, 2 or 3.
        minor: The number behind it.
        is_tensorflow: Whether it is the one inside TensorFlow, whose numbers mean something else.
    """

    major: int
    minor: int = 0
    is_tensorflow: bool = False

    @property
    def recurrent_activation(self) -> str:
        """What gates were made with by default: a hard sigmoid before Keras 2.3."""
        return "hard_sigmoid_keras2" if self._is_old else "sigmoid"

    @property
    def reset_after(self) -> bool:
        """Whether a GRU applied its reset gate after the recurrent kernel by default: not before Keras 2.3."""
        return not self._is_old

    @property
    def _is_old(self) -> bool:
        return (self.major, self.minor) < (2, 3) and not self.is_tensorflow

    def activation(self, name: str) -> str:
        """What this program calls the activation that this Keras calls `name`."""
        if name == HARD_SIGMOID and self.major < 3:
            return "hard_sigmoid_keras2"
        return _SAME.get(name, name)


def read_version(text: str | None) -> KerasVersion | None:
    """The version as a file has it, such as 2.15.0 or 2.2.4-tf; None if there is none."""
    found = re.match(r"([123])\.(\d{1,3})(\.|\Z)", text or "")
    if text is None or found is None:
        return None
    return KerasVersion(int(found[1]), int(found[2]), "tf" in text)
