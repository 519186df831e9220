"""Configuration of FerActors' Vision Transformer with a convolutional stem, for Hugging Face's transformers."""
from transformers import PretrainedConfig


class FerViTConfig(PretrainedConfig):
    """The fields of ViTConfig, and `conv_stem`: the stem in the place of the patch projection.

    conv_stem["channels"]: output channels of each stage; each stage halves the side once.
    conv_stem["convs_per_stage"]: 3x3 convolutions of a stage.
    conv_stem["norm"]: "group" (8 groups) behind each convolution, or "none" where norms were folded into it.
    conv_stem["residual"]: whether the convolutions after a stage's first come in pairs around which the signal passes unchanged.
    """

    model_type = "fer_vit_conv"

    def __init__(
        self,
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
        hidden_act="gelu",
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.02,
        layer_norm_eps=1e-12,
        image_size=224,
        patch_size=16,
        num_channels=3,
        qkv_bias=True,
        conv_stem=None,
        **kwargs,
    ):
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        self.hidden_act = hidden_act
        self.hidden_dropout_prob = hidden_dropout_prob
        self.attention_probs_dropout_prob = attention_probs_dropout_prob
        self.initializer_range = initializer_range
        self.layer_norm_eps = layer_norm_eps
        self.image_size = image_size
        self.patch_size = patch_size
        self.num_channels = num_channels
        self.qkv_bias = qkv_bias
        stem = {"channels": [64, 128, 256, 512], "convs_per_stage": 1, "norm": "group", "residual": False}
        self.conv_stem = {**stem, **(conv_stem or {})}
        if self.conv_stem["norm"] not in ("group", "none"):
            raise ValueError(f"conv_stem.norm is {self.conv_stem['norm']!r}; known are 'group' and 'none'.")
        super().__init__(**kwargs)
