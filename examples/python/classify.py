#!/usr/bin/env python3
"""Classifies photos over RabbitMQ: publishes each, waits for its result on a queue of its own, prints one line for each face.

    apt-get install python3-pika        (or: pip install pika)
    python3 examples/python/classify.py amqp://user:password@broker:5672/ photo.jpg ...

Exit code 0 if every photo was classified, 1 if one came back with an error or not at all within 60 seconds.
"""
import json
import os
import sys
import uuid

import pika

IMAGES = os.environ.get("IMAGES_QUEUE", "fer.images")


def main(url, paths):
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.confirm_delivery()  # basic_publish raises unless the broker has the image

    # The broker names the queue (amq.gen-...) and deletes it with this connection. Nodes answer to such names.
    replies = channel.queue_declare(queue="", exclusive=True).method.queue

    waiting = {}
    for path in paths:
        with open(path, "rb") as file:
            body = file.read()
        message_id = str(uuid.uuid4())
        waiting[message_id] = path
        channel.basic_publish(
            exchange="",
            routing_key=IMAGES,
            body=body,
            properties=pika.BasicProperties(message_id=message_id, reply_to=replies, delivery_mode=2),
            mandatory=True,
        )

    failed = False
    for method, _, body in channel.consume(replies, auto_ack=True, inactivity_timeout=60):
        if method is None:
            break
        result = json.loads(body)
        path = waiting.pop(result["message_id"], None)
        if path is None:
            continue  # a duplicate: a node may have answered twice around a crash
        if result["status"] == "error":
            failed = True
            print(f"{path}: {result['error']['code']}: {result['error']['message']}")
        elif not result["faces"]:
            print(f"{path}: no face")
        for number, face in enumerate(result["faces"]):
            print(f"{path}: face {number}: {face['dominant_emotion']} {face['confidence']:.2f}")
        if not waiting:
            break

    connection.close()
    for path in waiting.values():
        print(f"{path}: no result within 60 seconds; is a node running?")
    return 1 if failed or waiting else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} BROKER_URL PHOTO...")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
