#!/usr/bin/env python3
"""A plain consumer of the same model, for comparison: one thread of Python, as a first version of such a service is written.

It takes images from a queue, decodes them, finds the faces as the node does, classifies them and answers to reply-to with the fields
of the queue contract that the load generator reads. PyTorch, pika and OpenCV as Debian packages them: scripts/prepare peer.
"""
import argparse
import json
import os
import re
import sys
import time

# How long an unfilled batch waits for one more message: the node's Batching:MaxQueueDelay.
COMPANY_SECONDS = 0.005


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="folder with config.json, preprocessor_config.json and model.safetensors")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="threads of PyTorch, of its BLAS and of OpenCV")
    parser.add_argument("--batch", type=int, default=1, help="most faces of a forward pass")
    parser.add_argument("--queue", help="queue to take images from; the broker's address is in FER_RabbitMq__Uri")
    parser.add_argument("--yunet", help="YuNet's ONNX file")
    parser.add_argument("--cascade", help="a Haar cascade, where there is no YuNet")
    parser.add_argument("--score-threshold", type=float, default=0.6)
    parser.add_argument("--nms-threshold", type=float, default=0.3)
    parser.add_argument("--max-search-side", type=int, default=1280)
    parser.add_argument("--min-face-side", type=int, default=16)
    parser.add_argument("--max-faces", type=int, default=64)
    parser.add_argument("--crops", nargs="+", metavar="PGM", help="no queue: print the probabilities of these crops of the model's side, a line each")
    parser.add_argument("--numpy", action="store_true", help="with --crops: the reference in NumPy instead of PyTorch")
    arguments = parser.parse_args()
    if not arguments.queue and not arguments.crops:
        parser.error("--queue or --crops is needed")
    return arguments


def loaded_blas():
    """The file of the BLAS that this process has loaded: an optimised one where there is one, else what stands behind libblas."""
    with open("/proc/self/maps", encoding="utf-8") as file:
        paths = {line.split()[-1] for line in file if "/" in line}
    libraries = {os.path.basename(os.path.realpath(path)): path for path in paths if re.search(r"blas|blis|libmkl", os.path.basename(path))}
    return next((name for name in sorted(libraries) if re.match(r"lib(scipy_)?openblas|libmkl_rt|libblis", name)), None) or (
        "reference BLAS" if libraries else "none")


def read_pgm(path):
    """Gray values of a binary PGM file of 8 bits."""
    import numpy

    with open(path, "rb") as file:
        header = re.match(rb"P5\s+(\d+)\s+(\d+)\s+255\s", content := file.read())
    return numpy.frombuffer(content, numpy.uint8, offset=header.end()).reshape(int(header[2]), int(header[1]))


def face(names, box, probabilities):
    best = max(range(len(names)), key=probabilities.__getitem__)
    return {
        "box": dict(zip(("x", "y", "width", "height"), box)),
        "roll_degrees": 0,
        "label": best,
        "dominant_emotion": names[best],
        "confidence": probabilities[best],
        "emotions": [{"label": i, "name": name, "probability": probabilities[i]} for i, name in enumerate(names)],
    }


class Consumer:
    """Answers messages, with the faces of up to a batch in one forward pass."""

    def __init__(self, vit, detector, options, batch):
        self.vit, self.detector, self.options, self.batch = vit, detector, options, batch

    def find(self, properties, body):
        """Boxes and crops of a message's image, and the times; no crops and an error where it cannot be decoded."""
        import cv2
        import numpy
        import plain_faces

        began = time.perf_counter()
        bgr = cv2.imdecode(numpy.frombuffer(body, numpy.uint8), cv2.IMREAD_COLOR)
        decoded = time.perf_counter()
        if bgr is None:
            return [], [], (began, decoded, decoded), {"code": "corrupt_image", "message": "The image cannot be decoded."}
        if str((properties.headers or {}).get("x-fer-aligned")).lower() == "true":
            return [(0, 0, bgr.shape[1], bgr.shape[0])], [plain_faces.shrink(bgr, self.vit.side)], (began, decoded, decoded), None
        boxes = plain_faces.keep(self.detector.detect(bgr), bgr, self.options)
        detected = time.perf_counter()
        return boxes, [plain_faces.cut(bgr, box, self.vit.side) for box in boxes], (began, decoded, detected), None

    def answer(self, messages):
        """One JSON result for each message, in their order."""
        import plain_model

        found = [self.find(properties, body) for _, properties, body in messages]
        crops = [crop for _, own, _, _ in found for crop in own]
        probabilities = []
        for start in range(0, len(crops), self.batch):
            probabilities += self.vit.classify(crops[start:start + self.batch]).tolist()
        ended = time.perf_counter()
        remaining = iter(probabilities)
        for (_, properties, _), (boxes, _, (began, decoded, detected), error) in zip(messages, found):
            result = {
                "schema_version": 1,
                "message_id": properties.message_id,
                "node": "plain",
                "faces": [face(plain_model.EXPRESSIONS, box, next(remaining)) for box in boxes],
                "timings_ms": {
                    "decode": (decoded - began) * 1000,
                    "detect": (detected - decoded) * 1000,
                    "align": 0,
                    "queue": 0,
                    "infer": (ended - detected) * 1000,
                    "total": (ended - began) * 1000,
                },
            }
            if error:
                result["error"] = error
            yield properties, json.dumps(result)

    def consume(self, uri, queue, ready):
        import pika

        connection = pika.BlockingConnection(pika.URLParameters(uri))
        channel = connection.channel()
        # The next batch is here while this one is computed.
        channel.basic_qos(prefetch_count=2 * self.batch)
        waiting = []
        channel.basic_consume(queue, lambda _, method, properties, body: waiting.append((method.delivery_tag, properties, body)))
        ready()
        while True:
            before = len(waiting)
            connection.process_data_events(time_limit=COMPANY_SECONDS if waiting else None)
            if len(waiting) >= self.batch or len(waiting) == before:
                messages, waiting[:] = waiting[:self.batch], waiting[self.batch:]
                for properties, text in self.answer(messages):
                    channel.basic_publish("", properties.reply_to, text, pika.BasicProperties(correlation_id=properties.correlation_id))
                if messages:
                    channel.basic_ack(messages[-1][0], multiple=True)


def find_detector(arguments):
    import plain_faces

    options = {name: getattr(arguments, name) for name in ("score_threshold", "nms_threshold", "max_search_side", "min_face_side", "max_faces")}
    if arguments.yunet:
        return plain_faces.YuNet(arguments.yunet, options), options
    if arguments.cascade:
        return plain_faces.Haar(arguments.cascade, options), options
    raise SystemExit("--yunet or --cascade is needed")


def main():
    arguments = parse_arguments()
    # Read when the libraries are loaded, which the imports below do.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(arguments.threads)
    # Threads that spin while they wait take the cores from those that they wait for.
    os.environ["OMP_WAIT_POLICY"] = "passive"
    import plain_model

    operations = plain_model.NumpyOperations() if arguments.numpy else plain_model.TorchOperations(arguments.threads)
    vit = plain_model.Vit(arguments.model, operations)
    if arguments.crops:
        for probabilities in vit.classify([read_pgm(path) for path in arguments.crops]).tolist():
            print(json.dumps(probabilities))
        return

    import cv2
    import numpy

    cv2.setNumThreads(arguments.threads)
    detector, options = find_detector(arguments)
    detector.detect(numpy.zeros((320, 320, 3), numpy.uint8))
    vit.classify([numpy.zeros((vit.side, vit.side), numpy.uint8)] * arguments.batch)
    says = {
        "libraries": f"{operations.name}, OpenCV {cv2.__version__}",
        "blas": operations.blas or loaded_blas(),
        "detector": detector.name,
        "threads": arguments.threads,
        "batch": arguments.batch,
    }
    consumer = Consumer(vit, detector, options, arguments.batch)
    consumer.consume(os.environ["FER_RabbitMq__Uri"], arguments.queue, lambda: print(json.dumps(says), flush=True))


if __name__ == "__main__":
    sys.exit(main())
