"""FerActors' Vision Transformer with a convolutional stem, for Hugging Face's transformers.

After Dosovitskiy et al. 2020, "An Image is Worth 16x16 Words", and Xiao et al. 2021, "Early Convolutions Help Transformers See Better".
The parameters have the names of ViTForImageClassification in transformers 4, and stem.STAGE.PLACE(_norm) for the stem.
"""
import math

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import ImageClassifierOutput

from .configuration_fer_vit import FerViTConfig

NORM_GROUPS = 8
NORM_EPS = 1e-5


def activation(name):
    if name == "relu":
        return nn.ReLU()
    return nn.GELU(approximate="tanh" if name in ("gelu_new", "gelu_pytorch_tanh") else "none")


class FerViTStem(nn.ModuleDict):
    """3x3 convolutions, each with its norm and ReLU; the first of a stage halves the side."""

    def __init__(self, config):
        super().__init__()
        stem, inputs = config.conv_stem, config.num_channels
        self.residual = stem["residual"]
        for stage, outputs in enumerate(stem["channels"]):
            layers = nn.ModuleDict()
            for place in range(stem["convs_per_stage"]):
                layers[str(place)] = nn.Conv2d(inputs, outputs, 3, stride=2 if place == 0 else 1, padding=1)
                if stem["norm"] == "group":
                    layers[f"{place}_norm"] = nn.GroupNorm(NORM_GROUPS, outputs, eps=NORM_EPS)
                inputs = outputs
            self[str(stage)] = layers
        self.outputs = inputs
        self.places = stem["convs_per_stage"]

    def forward(self, x):
        for layers in self.values():
            unchanged = None
            for place in range(self.places):
                if self.residual and place % 2 == 1:
                    unchanged = x
                x = layers[str(place)](x)
                if f"{place}_norm" in layers:
                    x = layers[f"{place}_norm"](x)
                if self.residual and place > 0 and place % 2 == 0:
                    x = x + unchanged
                x = torch.relu(x)
        return x


class FerViTPatchEmbeddings(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.stem = FerViTStem(config)
        self.projection = nn.Conv2d(self.stem.outputs, config.hidden_size, 1)

    def forward(self, pixel_values):
        return self.projection(self.stem(pixel_values)).flatten(2).transpose(1, 2)


class FerViTEmbeddings(nn.Module):
    def __init__(self, config):
        super().__init__()
        tokens = (config.image_size // config.patch_size) ** 2 + 1
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.hidden_size))
        self.position_embeddings = nn.Parameter(torch.zeros(1, tokens, config.hidden_size))
        self.patch_embeddings = FerViTPatchEmbeddings(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, pixel_values):
        x = self.patch_embeddings(pixel_values)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], dim=1)
        return self.dropout(x + self.position_embeddings)


class FerViTSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config.hidden_size
        self.heads = config.num_attention_heads
        self.query = nn.Linear(width, width, bias=config.qkv_bias)
        self.key = nn.Linear(width, width, bias=config.qkv_bias)
        self.value = nn.Linear(width, width, bias=config.qkv_bias)
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = (
            layer(x).view(batch, tokens, self.heads, width // self.heads).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        weights = (q @ k.transpose(-2, -1) / math.sqrt(width // self.heads)).softmax(-1)
        return (self.dropout(weights) @ v).transpose(1, 2).reshape(batch, tokens, width), weights


class FerViTDense(nn.Module):
    def __init__(self, inputs, outputs, dropout=0.0):
        super().__init__()
        self.dense = nn.Linear(inputs, outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.dropout(self.dense(x))


class FerViTAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention = FerViTSelfAttention(config)
        self.output = FerViTDense(config.hidden_size, config.hidden_size, config.hidden_dropout_prob)

    def forward(self, x):
        context, weights = self.attention(x)
        return self.output(context), weights


class FerViTLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention = FerViTAttention(config)
        self.intermediate = FerViTDense(config.hidden_size, config.intermediate_size)
        self.output = FerViTDense(config.intermediate_size, config.hidden_size, config.hidden_dropout_prob)
        self.layernorm_before = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.layernorm_after = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.activation = activation(config.hidden_act)

    def forward(self, x):
        attended, weights = self.attention(self.layernorm_before(x))
        x = x + attended
        return x + self.output(self.activation(self.intermediate(self.layernorm_after(x)))), weights


class FerViTEncoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layer = nn.ModuleList(FerViTLayer(config) for _ in range(config.num_hidden_layers))

    def forward(self, x):
        states, weights = [x], []
        for layer in self.layer:
            x, attention = layer(x)
            states.append(x)
            weights.append(attention)
        return x, tuple(states), tuple(weights)


class FerViTBackbone(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embeddings = FerViTEmbeddings(config)
        self.encoder = FerViTEncoder(config)
        self.layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, pixel_values):
        x, states, weights = self.encoder(self.embeddings(pixel_values))
        return self.layernorm(x[:, 0]), states, weights


class FerViTForImageClassification(PreTrainedModel):
    """pixel_values [batch, channels, side, side] to logits [batch, labels]; their softmax is calibrated."""

    config_class = FerViTConfig
    base_model_prefix = "vit"
    main_input_name = "pixel_values"

    def __init__(self, config):
        super().__init__(config)
        self.vit = FerViTBackbone(config)
        self.classifier = nn.Linear(config.hidden_size, len(config.id2label))
        self.post_init()

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.normal_(module.weight, std=self.config.initializer_range)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.LayerNorm, nn.GroupNorm)):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, FerViTEmbeddings):
            nn.init.normal_(module.cls_token, std=self.config.initializer_range)
            nn.init.normal_(module.position_embeddings, std=self.config.initializer_range)

    def forward(self, pixel_values, labels=None, output_attentions=None, output_hidden_states=None, return_dict=None, **kwargs):
        token, states, weights = self.vit(pixel_values.to(self.classifier.weight.dtype))
        logits = self.classifier(token)
        output = ImageClassifierOutput(
            loss=None if labels is None else nn.functional.cross_entropy(logits, labels),
            logits=logits,
            hidden_states=states if output_hidden_states else None,
            attentions=weights if output_attentions else None,
        )
        return output.to_tuple() if return_dict is False else output
