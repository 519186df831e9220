"""The few names of Hugging Face's transformers that an exported folder uses, for machines that cannot have the library.

It loads as the library does: the configuration's fields go to the class of auto_map, the model is made from it, and the weights must have
exactly the model's names and shapes. It is not the library; what only the library does stays unseen.
"""
import importlib
import json
import os
import struct
import sys

import numpy
import torch

DTYPES = {"F16": numpy.float16, "F32": numpy.float32}


class PretrainedConfig:
    def __init__(self, **kwargs):
        self.id2label = {int(number): name for number, name in kwargs.pop("id2label").items()}
        for name, value in kwargs.items():
            setattr(self, name, value)


class PreTrainedModel(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config

    def post_init(self):
        self.apply(self._init_weights)


class AutoModelForImageClassification:
    @staticmethod
    def from_pretrained(folder, trust_remote_code=False):
        assert trust_remote_code, "the folder has code of its own"
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            fields = json.load(file)
        parent, package = os.path.split(os.path.abspath(folder))
        sys.path.insert(0, parent)

        def named(auto):
            module, name = fields["auto_map"][auto].split(".")
            return getattr(importlib.import_module(f"{package}.{module}"), name)

        config_class, model_class = named("AutoConfig"), named("AutoModelForImageClassification")
        assert config_class.model_type == fields["model_type"] and model_class.config_class is config_class
        assert fields["architectures"] == [model_class.__name__]
        model = model_class(config_class(**fields))
        model.load_state_dict(read_safetensors(os.path.join(folder, "model.safetensors")), strict=True)
        return model


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    return {
        name: torch.from_numpy(
            numpy.frombuffer(data[slice(*entry["data_offsets"])], DTYPES[entry["dtype"]]).astype(numpy.float32).reshape(entry["shape"])
        )
        for name, entry in header.items()
        if name != "__metadata__"
    }
