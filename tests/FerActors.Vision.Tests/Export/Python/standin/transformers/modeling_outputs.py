"""See the package."""
from dataclasses import dataclass, fields
from typing import Any


@dataclass
class ImageClassifierOutput:
    loss: Any = None
    logits: Any = None
    hidden_states: Any = None
    attentions: Any = None

    def to_tuple(self):
        return tuple(value for value in (getattr(self, field.name) for field in fields(self)) if value is not None)
