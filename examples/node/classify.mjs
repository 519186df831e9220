// Classifies photos over RabbitMQ: publishes each, waits for its result on a queue of its own, prints one line for each face.
//
//     npm install amqplib
//     node examples/node/classify.mjs amqp://user:password@broker:5672/ photo.jpg ...
//
// Exit code 0 if every photo was classified, 1 if one came back with an error or not at all within 60 seconds.
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import amqp from "amqplib";

const images = process.env.IMAGES_QUEUE ?? "fer.images";
const [url, ...paths] = process.argv.slice(2);
if (!url || paths.length === 0) {
  console.error("usage: node classify.mjs BROKER_URL PHOTO...");
  process.exit(2);
}

const connection = await amqp.connect(url);
const channel = await connection.createConfirmChannel();

// The broker names the queue (amq.gen-...) and deletes it with this connection. Nodes answer to such names.
const { queue: replies } = await channel.assertQueue("", { exclusive: true });

const waiting = new Map();
let failed = false;
const answered = new Promise((resolve) => {
  const patience = setTimeout(resolve, 60_000);
  channel.consume(replies, (message) => {
    const result = JSON.parse(message.content.toString("utf8"));
    const path = waiting.get(result.message_id);
    if (!waiting.delete(result.message_id)) return; // a duplicate: a node may have answered twice around a crash
    if (result.status === "error") {
      failed = true;
      console.log(`${path}: ${result.error.code}: ${result.error.message}`);
    } else if (result.faces.length === 0) {
      console.log(`${path}: no face`);
    }
    result.faces.forEach((face, number) =>
      console.log(`${path}: face ${number}: ${face.dominant_emotion} ${face.confidence.toFixed(2)}`));
    if (waiting.size === 0) {
      clearTimeout(patience);
      resolve();
    }
  }, { noAck: true });
});

for (const path of paths) {
  const messageId = randomUUID();
  waiting.set(messageId, path);
  channel.sendToQueue(images, await readFile(path), { messageId, replyTo: replies, persistent: true, mandatory: true });
}
await channel.waitForConfirms();
await answered;
await connection.close();
for (const path of waiting.values()) console.log(`${path}: no result within 60 seconds; is a node running?`);
process.exitCode = failed || waiting.size > 0 ? 1 : 0;
