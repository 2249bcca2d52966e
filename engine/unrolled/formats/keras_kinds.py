"""The classes of layers that Keras brings along. What is not here is of somebody else, or runs code, and is refused.

Sources: https://keras.io/api/layers/, and the documentation of Keras 1.2 and 2 for those that are gone.
"""

CELLS = {
    "LSTMCell": ("LSTM", "lstm_cell"),
    "GRUCell": ("GRU", "gru_cell"),
    "SimpleRNNCell": ("SimpleRNN", "simple_rnn_cell"),
}
"""The cells that `RNN` takes, the layer that each is the inside of, and the name that Keras 3 gives its weights."""

CUDNN = {"CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU"}
"""The layers of Keras 2 that ran on graphics cards only."""

RECURRENT = frozenset({"LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", *CUDNN})

UNCHANGED = frozenset(
    {
        "InputLayer",
        "Dropout",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
        "GaussianDropout",
        "GaussianNoise",
        "AlphaDropout",
        "ActivityRegularization",
        "Identity",
    }
)
"""Layers whose output is their input once training is over."""

MASK_MAKING = frozenset({"NotEqual", "Any", "LogicalAnd", "LogicalOr"})
"""The functions of Keras 3 that make masks, which stand among the layers of a functional model."""

UNTOLD = "Unknown"
"""Stands for a layer whose class neither names nor shapes tell."""

_SIZES = ("1D", "2D", "3D")

FOREIGN = frozenset({
    UNTOLD, "Embedding", "Masking", "Dense", "TimeDistributedDense", "TimeDistributed", "Activation",
    *(f"{kind}{size}" for size in _SIZES for kind in (
        "Conv", "Convolution", "SeparableConv", "SeparableConvolution", "DepthwiseConv", "AtrousConvolution",
        "LocallyConnected", "ConvLSTM", "MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling",
        "AdaptiveMaxPooling", "AdaptiveAveragePooling", "Cropping", "UpSampling", "ZeroPadding", "Deconvolution",
    )),
    *(f"Conv{size}Transpose" for size in _SIZES),
    "BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization",
    "LayerNormalization", "GroupNormalization", "UnitNormalization", "SpectralNormalization", "RMSNormalization",
    "Normalization", "Rescaling", "CategoryEncoding", "Discretization", "Hashing",
    "Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention",
    "Flatten", "Reshape", "Permute", "RepeatVector", "EinsumDense", "MaxoutDense", "Highway",
    "ReLU", "LeakyReLU", "PReLU", "ELU", "ThresholdedReLU", "Softmax", "ParametricSoftplus", "SReLU",
    "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot", "Merge",
    "GetItem", "TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer",
})  # fmt: skip
"""Layers that Keras brings along; most of them are not computed here, and what stands after them is fed by the user."""
