"""What a user may say about a model where its file does not."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choices:
    """Answers to what some files do not say. None takes the usual, which the model's remarks then state.

    What a file says itself is never overruled.

    Attributes:
        activation: The activation of the candidate and the state (of a SimpleRNN: its only one).
        recurrent_activation: The activation of the gates.
        dense_activation: The activation of the Dense layers.
        reset_after: Whether a GRU without a bias applies its reset gate after the recurrent kernel.
        merge: How a bidirectional layer joins its two outputs: concat, sum, ave or mul.
        return_sequences: Whether the last recurrent layer gives its output at every timestep.
        mask_zero: Whether token 0 of an Embedding is padding.
        keras_version: The version of Keras that wrote the file: 1, 2 or 3.
        layer_order: The names of the layers, in the order in which they run.
        batch_first: Whether a PyTorch module reads (batch, T, features), and not (T, batch, features).
        opset: The opset as which an ONNX file is read whose own is not known here.
    """

    activation: str | None = None
    recurrent_activation: str | None = None
    dense_activation: str | None = None
    reset_after: bool | None = None
    merge: str | None = None
    return_sequences: bool | None = None
    mask_zero: bool | None = None
    keras_version: int | None = None
    layer_order: tuple[str, ...] | None = None
    batch_first: bool | None = None
    opset: int | None = None


NOTHING_CHOSEN = Choices()
