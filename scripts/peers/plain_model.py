"""The forward pass of the plain consumer: PyTorch, or NumPy alone as a reference for machines without PyTorch."""
import json
import math
import os
import struct

import numpy

DTYPES = {"F16": numpy.float16, "F32": numpy.float32}
STEM = "vit.embeddings.patch_embeddings.stem."
PROJECTION = "vit.embeddings.patch_embeddings.projection."
STEM_NORM_GROUPS = 8
STEM_NORM_EPS = 1e-5

# The order of the answers, whatever the order of the checkpoint's outputs is.
EXPRESSIONS = ("Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral")


class TorchOperations:
    """PyTorch's operations, on as many threads as it is told."""

    def __init__(self, threads):
        import torch

        torch.set_num_threads(threads)
        self.torch = torch
        self.name = f"torch {torch.__version__}"
        self.blas = "MKL in PyTorch" if torch.backends.mkl.is_available() else None
        functional = torch.nn.functional
        self.linear, self.relu = functional.linear, functional.relu
        self.conv2d = lambda x, weight, bias, stride, padding: functional.conv2d(x, weight, bias, stride=stride, padding=padding)
        self.group_norm = lambda x, weight, bias: functional.group_norm(x, STEM_NORM_GROUPS, weight, bias, STEM_NORM_EPS)
        self.layer_norm = lambda x, weight, bias, eps: functional.layer_norm(x, x.shape[-1:], weight, bias, eps)
        self.gelu = functional.gelu
        self.gelu_tanh = lambda x: functional.gelu(x, approximate="tanh")
        self.softmax = lambda x: functional.softmax(x, dim=-1)
        self.prepend = lambda token, x: torch.cat([token.expand(len(x), -1, -1), x], dim=1)

    def tensor(self, values):
        return self.torch.from_numpy(values)

    def run(self, forward, values):
        with self.torch.inference_mode():
            return forward(self.tensor(values)).numpy()


class NumpyOperations:
    """The same operations in NumPy: slow, for checking the forward pass where PyTorch is not installed."""

    name = f"numpy {numpy.__version__}"
    blas = None

    def tensor(self, values):
        return values

    def run(self, forward, values):
        return forward(values)

    def linear(self, x, weight, bias):
        y = x @ weight.T
        return y if bias is None else y + bias

    def conv2d(self, x, weight, bias, stride, padding):
        x = numpy.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
        windows = numpy.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
        y = numpy.tensordot(windows, weight, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)
        return y if bias is None else y + bias[:, None, None]

    def group_norm(self, x, weight, bias):
        groups = x.reshape(len(x), STEM_NORM_GROUPS, -1)
        centred = groups - groups.mean(-1, keepdims=True)
        y = (centred / numpy.sqrt((centred**2).mean(-1, keepdims=True) + STEM_NORM_EPS)).reshape(x.shape)
        return y * weight[:, None, None] + bias[:, None, None]

    def layer_norm(self, x, weight, bias, eps):
        centred = x - x.mean(-1, keepdims=True)
        return centred / numpy.sqrt((centred**2).mean(-1, keepdims=True) + eps) * weight + bias

    def relu(self, x):
        return numpy.maximum(x, 0)

    def gelu(self, x):
        return (x * (0.5 + 0.5 * numpy.vectorize(math.erf)(x / math.sqrt(2)))).astype(numpy.float32)

    def gelu_tanh(self, x):
        return 0.5 * x * (1 + numpy.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    def softmax(self, x):
        powers = numpy.exp(x - x.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)

    def prepend(self, token, x):
        return numpy.concatenate([numpy.broadcast_to(token, (len(x), *token.shape[1:])), x], axis=1)


def read_safetensors(path):
    """The arrays of a safetensors file in fp32: 8 bytes of length, a JSON header, the data."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    arrays = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = numpy.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).astype(numpy.float32)
            arrays[name] = values.reshape(entry["shape"])
    return arrays


class Vit:
    """The Vision Transformer of a model folder, with one large patch convolution or with a convolutional stem.

    The stem's convolutions are followed by group norms or by nothing (folded norms), and may come in residual pairs.
    """

    def __init__(self, folder, operations):
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            self.config = json.load(file)
        with open(os.path.join(folder, "preprocessor_config.json"), encoding="utf-8") as file:
            self.preprocessor = json.load(file)
        self.ops = operations
        self.tensors = {name: operations.tensor(values) for name, values in read_safetensors(os.path.join(folder, "model.safetensors")).items()}
        self.side = self.config["image_size"]
        self.temperature = self.config.get("fer_actors", {}).get("temperature", 1.0)
        self.stem = self.config.get("conv_stem")
        activations = {"gelu": operations.gelu, "gelu_new": operations.gelu_tanh, "gelu_pytorch_tanh": operations.gelu_tanh, "relu": operations.relu}
        self.activation = activations[self.config["hidden_act"]]
        names = [self.config["id2label"][str(i)].capitalize() for i in range(len(EXPRESSIONS))]
        self.order = [names.index(name) for name in EXPRESSIONS]
        self.norm_stem = (self.stem or {}).get("norm", "group") == "group"
        if self.stem and self.stem.get("norm", "group") not in ("group", "none"):
            raise ValueError(f"the plain consumer knows no stem norm {self.stem['norm']!r}")

    def classify(self, crops):
        """Probabilities of gray crops (uint8, batch x side x side), in the order of EXPRESSIONS: batch x 7."""
        channels = len(self.preprocessor["image_mean"])
        mean = numpy.array(self.preprocessor["image_mean"], numpy.float32)[:, None, None]
        deviation = numpy.array(self.preprocessor["image_std"], numpy.float32)[:, None, None]
        gray = numpy.stack(crops).astype(numpy.float32)[:, None] * numpy.float32(self.preprocessor["rescale_factor"])
        pixels = ((numpy.repeat(gray, channels, axis=1) - mean) / deviation).astype(numpy.float32)
        logits = self.ops.run(self.forward, numpy.ascontiguousarray(pixels))[:, self.order] / self.temperature
        powers = numpy.exp(logits - logits.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)

    def forward(self, x):
        config, t = self.config, self.tensors
        if self.stem:
            x = self.convolve_stem(x)
        stride = 1 if self.stem else config["patch_size"]
        x = self.ops.conv2d(x, t[PROJECTION + "weight"], t[PROJECTION + "bias"], stride, 0)
        x = x.reshape(x.shape[0], x.shape[1], -1).swapaxes(1, 2)
        x = self.ops.prepend(t["vit.embeddings.cls_token"], x) + t["vit.embeddings.position_embeddings"]
        for layer in range(config["num_hidden_layers"]):
            x = self.block(f"vit.encoder.layer.{layer}.", x)
        return self.linear("classifier.", self.norm("vit.layernorm.", x[:, 0]))

    def convolve_stem(self, x):
        t, residual = self.tensors, self.stem.get("residual", False)
        for stage in range(len(self.stem["channels"])):
            for place in range(self.stem["convs_per_stage"]):
                name = f"{STEM}{stage}.{place}"
                if residual and place % 2 == 1:
                    unchanged = x
                x = self.ops.conv2d(x, t[name + ".weight"], t.get(name + ".bias"), 2 if place == 0 else 1, 1)
                if self.norm_stem:
                    x = self.ops.group_norm(x, t[name + "_norm.weight"], t[name + "_norm.bias"])
                if residual and place > 0 and place % 2 == 0:
                    x = x + unchanged
                x = self.ops.relu(x)
        return x

    def block(self, prefix, x):
        y = self.norm(prefix + "layernorm_before.", x)
        q, k, v = (self.heads(f"{prefix}attention.attention.{name}.", y) for name in ("query", "key", "value"))
        weights = self.ops.softmax(q @ k.swapaxes(-2, -1) / q.shape[-1] ** 0.5)
        x = x + self.linear(prefix + "attention.output.dense.", (weights @ v).swapaxes(1, 2).reshape(x.shape))
        y = self.activation(self.linear(prefix + "intermediate.dense.", self.norm(prefix + "layernorm_after.", x)))
        return x + self.linear(prefix + "output.dense.", y)

    def heads(self, prefix, x):
        return self.linear(prefix, x).reshape(x.shape[0], x.shape[1], self.config["num_attention_heads"], -1).swapaxes(1, 2)

    def linear(self, prefix, x):
        return self.ops.linear(x, self.tensors[prefix + "weight"], self.tensors.get(prefix + "bias"))

    def norm(self, prefix, x):
        return self.ops.layer_norm(x, self.tensors[prefix + "weight"], self.tensors[prefix + "bias"], self.config["layer_norm_eps"])
