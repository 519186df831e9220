"""Answers of an exported folder: answer.py FOLDER CROPS SIDE prints the library, and the probabilities of each crop, as JSON.

CROPS holds gray crops of SIDE x SIDE bytes. Where transformers is installed, its own image processor makes the input.
"""
import json
import os
import sys

import numpy
import torch

try:
    import transformers

    library = f"transformers {transformers.__version__}"
except ImportError:
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "standin"))
    import transformers

    library = "the stand-in"

folder, side = sys.argv[1], int(sys.argv[3])
crops = numpy.fromfile(sys.argv[2], numpy.uint8).reshape(-1, side, side)
colour = numpy.repeat(crops[:, :, :, None], 3, axis=3)
model = transformers.AutoModelForImageClassification.from_pretrained(folder, trust_remote_code=True).eval()
if library == "the stand-in":
    with open(os.path.join(folder, "preprocessor_config.json"), encoding="utf-8") as file:
        steps = json.load(file)
    assert steps["size"] == {"height": side, "width": side}
    mean, deviation = (numpy.array(steps[name], numpy.float32) for name in ("image_mean", "image_std"))
    pixels = (colour.astype(numpy.float32) * numpy.float32(steps["rescale_factor"]) - mean) / deviation
    inputs = {"pixel_values": torch.from_numpy(numpy.ascontiguousarray(pixels.transpose(0, 3, 1, 2), numpy.float32))}
else:
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    inputs = processor(list(colour), return_tensors="pt")
with torch.inference_mode():
    output = model(**inputs, output_attentions=True, labels=torch.zeros(len(crops), dtype=torch.long))
print(json.dumps({
    "library": library,
    "probabilities": output.logits.softmax(-1).tolist(),
    "layers": len(output.attentions),
    "loss": output.loss.item(),
}))
