#!/usr/bin/env python3
"""A plain consumer of the same model, for comparison: one message at a time, as a first version of such a service is written.

It takes an image from a queue, decodes it, finds the faces, classifies them one after the other and answers to reply-to with the
fields of the queue contract that the load generator reads. PyTorch, pika and OpenCV as Debian packages them
(python3-torch, python3-pika, python3-opencv).
"""
import argparse
import json
import os
import struct
import time

import cv2
import numpy
import pika
import torch
from torch.nn import functional

DTYPES = {"F16": numpy.float16, "F32": numpy.float32}
CASCADES = ("/usr/share/opencv4/haarcascades", "/usr/share/opencv/haarcascades")
STEM = "vit.embeddings.patch_embeddings.stem."
STEM_NORM_GROUPS = 8


def read_safetensors(path):
    """The tensors of a safetensors file in fp32: 8 bytes of length, a JSON header, the data."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = numpy.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).astype(numpy.float32)
            tensors[name] = torch.from_numpy(values.reshape(entry["shape"]))
    return tensors


class Vit:
    """The Vision Transformer of the folder, with one large patch convolution or a convolutional stem."""

    def __init__(self, folder):
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            self.config = json.load(file)
        with open(os.path.join(folder, "preprocessor_config.json"), encoding="utf-8") as file:
            self.preprocessor = json.load(file)
        self.tensors = read_safetensors(os.path.join(folder, "model.safetensors"))
        self.side = self.config["image_size"]
        self.names = [self.config["id2label"][str(i)] for i in range(len(self.config["id2label"]))]
        self.temperature = self.config.get("fer_actors", {}).get("temperature", 1.0)

    def classify(self, gray):
        """Probabilities of one gray crop, in the order of the checkpoint."""
        mean, deviation = self.preprocessor["image_mean"], self.preprocessor["image_std"]
        pixels = torch.from_numpy(gray).to(torch.float32) * self.preprocessor["rescale_factor"]
        pixels = torch.stack([(pixels - m) / d for m, d in zip(mean, deviation)])[None]
        with torch.inference_mode():
            return functional.softmax(self.forward(pixels)[0] / self.temperature, dim=0).tolist()

    def forward(self, x):
        t, config = self.tensors, self.config
        stem = config.get("conv_stem")
        for stage in range(len(stem["channels"]) if stem else 0):
            for conv in range(stem["convs_per_stage"]):
                name = f"{STEM}{stage}.{conv}"
                x = functional.conv2d(x, t[name + ".weight"], t[name + ".bias"], stride=2 if conv == 0 else 1, padding=1)
                x = functional.group_norm(x, STEM_NORM_GROUPS, t[name + "_norm.weight"], t[name + "_norm.bias"])
                x = functional.relu(x)
        projection = "vit.embeddings.patch_embeddings.projection."
        x = functional.conv2d(x, t[projection + "weight"], t[projection + "bias"], stride=1 if stem else config["patch_size"])
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([t["vit.embeddings.cls_token"].expand(len(x), -1, -1), x], dim=1) + t["vit.embeddings.position_embeddings"]
        for layer in range(config["num_hidden_layers"]):
            x = self.block(f"vit.encoder.layer.{layer}.", x)
        x = self.norm("vit.layernorm.", x[:, 0])
        return self.linear("classifier.", x)

    def block(self, p, x):
        heads = self.config["num_attention_heads"]
        y = self.norm(p + "layernorm_before.", x)
        q, k, v = (
            self.linear(f"{p}attention.attention.{name}.", y).unflatten(-1, (heads, -1)).transpose(1, 2) for name in ("query", "key", "value")
        )
        weights = functional.softmax(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5, dim=-1)
        x = x + self.linear(p + "attention.output.dense.", (weights @ v).transpose(1, 2).flatten(2))
        y = functional.gelu(self.linear(p + "intermediate.dense.", self.norm(p + "layernorm_after.", x)))
        return x + self.linear(p + "output.dense.", y)

    def linear(self, p, x):
        return functional.linear(x, self.tensors[p + "weight"], self.tensors.get(p + "bias"))

    def norm(self, p, x):
        return functional.layer_norm(x, x.shape[-1:], self.tensors[p + "weight"], self.tensors[p + "bias"], self.config["layer_norm_eps"])


class YuNet:
    """YuNet through cv2.FaceDetectorYN, on the picture as it is."""

    name = "yunet"

    def __init__(self, path):
        self.detector = cv2.FaceDetectorYN.create(path, "", (320, 320), 0.6)
        self.detect(numpy.zeros((320, 320, 3), numpy.uint8))

    def detect(self, bgr):
        self.detector.setInputSize((bgr.shape[1], bgr.shape[0]))
        _, faces = self.detector.detect(bgr)
        return [] if faces is None else [face[:4].tolist() for face in faces]


class Haar:
    """OpenCV's frontal-face cascade."""

    name = "haar"

    def __init__(self):
        files = [os.path.join(folder, "haarcascade_frontalface_default.xml") for folder in CASCADES]
        self.cascade = cv2.CascadeClassifier(next(file for file in files if os.path.exists(file)))

    def detect(self, bgr):
        return [list(map(float, box)) for box in self.cascade.detectMultiScale(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), 1.1, 5)]


def find_detector(path):
    """YuNet where this OpenCV can run the file, the cascade otherwise."""
    try:
        if path:
            return YuNet(path)
    except (AttributeError, cv2.error):
        pass
    return Haar()


def cut(bgr, box, side):
    """A square as high as the box about its centre, gray; beyond the picture's edge its last pixel is repeated."""
    x, y, width, height = box
    half = height / 2
    gray = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    margin = int(height) + 1
    gray = cv2.copyMakeBorder(gray, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    left, top = int(x + width / 2 - half) + margin, int(y) + margin
    return cv2.resize(gray[max(top, 0):top + int(height), max(left, 0):left + int(height)], (side, side), interpolation=cv2.INTER_AREA)


def face(vit, box, probabilities):
    best = max(range(len(probabilities)), key=probabilities.__getitem__)
    return {
        "box": dict(zip(("x", "y", "width", "height"), box)),
        "roll_degrees": 0,
        "label": best,
        "dominant_emotion": vit.names[best],
        "confidence": probabilities[best],
        "emotions": [{"label": i, "name": vit.names[i], "probability": p} for i, p in enumerate(probabilities)],
    }


def answer(vit, detector, properties, body):
    began = time.perf_counter()
    result = {"schema_version": 1, "message_id": properties.message_id, "node": "plain", "faces": []}
    bgr = cv2.imdecode(numpy.frombuffer(body, numpy.uint8), cv2.IMREAD_COLOR)
    decoded = detected = time.perf_counter()
    if bgr is None:
        result["error"] = {"code": "corrupt_image", "message": "The image cannot be decoded."}
    else:
        if str((properties.headers or {}).get("x-fer-aligned")).lower() == "true":
            gray = cv2.resize(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), (vit.side, vit.side), interpolation=cv2.INTER_AREA)
            crops = [([0, 0, bgr.shape[1], bgr.shape[0]], gray)]
        else:
            boxes = detector.detect(bgr)
            detected = time.perf_counter()
            crops = [(box, cut(bgr, box, vit.side)) for box in boxes if box[3] >= 16]
        result["faces"] = [face(vit, box, vit.classify(gray)) for box, gray in crops]
    ended = time.perf_counter()
    result["timings_ms"] = {
        "decode": (decoded - began) * 1000,
        "detect": (detected - decoded) * 1000,
        "align": 0,
        "queue": 0,
        "infer": (ended - detected) * 1000,
        "total": (ended - began) * 1000,
    }
    return json.dumps(result)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queue", required=True, help="queue to take images from; the broker's address is in FER_RabbitMq__Uri")
    parser.add_argument("--model", required=True, help="folder with config.json, preprocessor_config.json and model.safetensors")
    parser.add_argument("--detector", help="YuNet's ONNX file; Haar cascade without it")
    arguments = parser.parse_args()

    cv2.setNumThreads(1)
    vit = Vit(arguments.model)
    detector = find_detector(arguments.detector)
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["FER_RabbitMq__Uri"]))
    channel = connection.channel()
    channel.basic_qos(prefetch_count=1)

    def handle(_, method, properties, body):
        text = answer(vit, detector, properties, body)
        channel.basic_publish("", properties.reply_to, text, pika.BasicProperties(correlation_id=properties.correlation_id))
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(arguments.queue, handle)
    print(f"ready: torch {torch.__version__}, OpenCV {cv2.__version__}, {detector.name}, {torch.get_num_threads()} threads", flush=True)
    channel.start_consuming()


if __name__ == "__main__":
    main()
