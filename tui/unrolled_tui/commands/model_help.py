"""What MODEL can be, as the help of each command says it."""

MODEL_FILES = (
    "MODEL is a model of Keras (.keras, .h5, .weights.h5 or a folder), PyTorch (.pt, .pth, .ckpt or .safetensors) or "
    "ONNX (.onnx), or a .npz file of its arrays."
)
