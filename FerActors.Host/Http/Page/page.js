"use strict";

// Whole pictures travel to the API as they are; nothing else is asked, from nowhere else.
const $ = (id) => document.getElementById(id);
const drop = $("drop");
let latest = 0;
let shown = null;
let placed = [];

function say(text, isError) {
  $("status").textContent = text;
  $("status").className = isError ? "error" : "";
}

function percent(share) {
  return (100 * share).toFixed(1) + " %";
}

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// A place for each label, in the order of the faces: above its box, else below, else inside; else the nearest line further down or up
// that is free. No label covers another, none leaves the picture while there is room in it.
function place(labels, width, height) {
  const done = [];
  const isFree = (x, y, label) => y >= 0 && y + label.height <= height && done.every((other) =>
    !other || x >= other.x + other.width || other.x >= x + label.width || y >= other.y + other.height || other.y >= y + label.height);
  for (const label of labels) {
    const { box } = label;
    const across = [box.x, box.x + box.width - label.width].map((x) => Math.max(0, Math.min(x, width - label.width)));
    const down = [box.y - label.height, box.y + box.height, box.y];
    for (let step = 1; step * label.height <= height; step++) {
      down.push(box.y + box.height + step * label.height, box.y - (step + 1) * label.height);
    }
    const spots = down.flatMap((y) => across.map((x) => ({ x, y })));
    const spot = spots.find(({ x, y }) => isFree(x, y, label));
    done.push(spot ? { ...spot, width: label.width, height: label.height } : null);
  }
  return done;
}

function draw(bitmap, faces) {
  const canvas = $("picture");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const pen = canvas.getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  const unit = Math.max(2, Math.max(bitmap.width, bitmap.height) / 300) * (faces.length > 8 ? 0.7 : 1);
  pen.lineWidth = unit;
  pen.font = `${Math.round(8 * unit)}px system-ui, sans-serif`;

  // In a crowd there is room for numbers alone; the cards below have the rest.
  const texts = faces.map((face, index) => faces.length > 24 ? `${index + 1}` : `${index + 1} ${face.dominant_emotion} ${percent(face.confidence)}`);
  placed = place(
    faces.map((face, index) => ({ box: face.box, width: pen.measureText(texts[index]).width + 4 * unit, height: 11 * unit })), bitmap.width, bitmap.height);
  pen.strokeStyle = "#00e0d0";
  for (const { box } of faces) pen.strokeRect(box.x, box.y, box.width, box.height);
  placed.forEach((spot, index) => {
    if (!spot) return;
    pen.fillStyle = "#003a40";
    pen.fillRect(spot.x, spot.y, spot.width, spot.height);
    pen.fillStyle = "#ffffff";
    pen.fillText(texts[index], spot.x + 2 * unit, spot.y + 8.5 * unit);
  });
  canvas.setAttribute("aria-label", faces.length === 0 ? "The picture, with no face" : "The picture, with " + texts.join(", "));
  canvas.hidden = false;
}

// The crop that the model saw, its patches tinted by how much each counted. Crops are gray, so any colour is the explanation's.
async function heat(face) {
  const canvas = element("canvas", "heat");
  const crop = new Image();
  crop.src = "data:image/png;base64," + face.crop_png;
  await crop.decode();
  const side = 240;
  canvas.width = canvas.height = side;
  const pen = canvas.getContext("2d");
  pen.drawImage(crop, 0, 0, side, side);
  const grid = face.explanation.grid;
  const tint = document.createElement("canvas");
  tint.height = grid.length;
  tint.width = grid[0].length;
  const cells = tint.getContext("2d").createImageData(tint.width, tint.height);
  grid.flat().forEach((value, i) => cells.data.set([255, Math.round(200 * (1 - value)), 0, Math.round(190 * value)], 4 * i));
  tint.getContext("2d").putImageData(cells, 0, 0);
  pen.drawImage(tint, 0, 0, side, side);
  return canvas;
}

async function explain(card, face) {
  if (!face.explanation || !face.crop_png) return;
  const name = face.explanation.label === undefined
    ? "Where the network looked (the same for every expression)"
    : "What spoke for " + face.emotions.find((emotion) => emotion.label === face.explanation.label).name;
  card.append(await heat(face), element("p", "heat-note", name));
}

// A person's word on one face. Right ones are asked for as well as wrong ones: of corrections alone nobody could tell how often the model
// is right.
function ask(card, face, index, messageId) {
  const row = element("div", "words");
  const right = element("button", "right", "Right");
  const wrong = element("button", "wrong", "Wrong");
  const select = element("select", "word");
  const said = element("p", "word");
  right.type = wrong.type = "button";
  right.setAttribute("aria-label", `Face ${index + 1} is ${face.dominant_emotion}`);
  wrong.setAttribute("aria-label", `Face ${index + 1} is not ${face.dominant_emotion}`);
  select.setAttribute("aria-label", `What the expression of face ${index + 1} is`);
  said.setAttribute("role", "status");
  select.hidden = true;
  select.append(new Option("What is it?", ""), ...face.emotions
    .filter((emotion) => emotion.name !== face.dominant_emotion)
    .map((emotion) => new Option(emotion.name, emotion.name)));
  const send = async (label) => {
    right.disabled = wrong.disabled = select.disabled = true;
    let noted = false;
    const headers = { "Content-Type": "application/json", ...key() };
    const body = JSON.stringify({ message_id: messageId, face: index, label });
    try {
      const response = await fetch("v1/feedback", { method: "POST", body, headers, credentials: "omit" });
      const answer = await response.json();
      noted = response.ok;
      if (response.status === 401) askForKey();
      said.textContent = noted ? `Noted: ${answer.label}.` : answer.detail || "It could not be noted.";
    } catch {
      said.textContent = "The server cannot be reached.";
    }

    // One word on each face: what is noted counts.
    right.disabled = wrong.disabled = select.disabled = noted;
  };
  right.addEventListener("click", () => {
    select.hidden = true;
    send(face.dominant_emotion);
  });
  wrong.addEventListener("click", () => {
    select.hidden = false;
    select.focus();
  });
  select.addEventListener("change", () => select.value && send(select.value));
  row.append(right, wrong, select);
  card.append(row, said);
}

function askForKey() {
  $("key-row").hidden = false;
  $("key").focus();
}

function key() {
  return $("key").value ? { "X-Api-Key": $("key").value } : {};
}

// Without a message's id, as for the pictures of a camera, nobody is asked whether the answers are right.
function list(faces, messageId) {
  $("faces").replaceChildren(...faces.map((face, index) => {
    const card = element("article", "face");
    const title = element("h2", "", `${index + 1}. ${face.dominant_emotion}, ${percent(face.confidence)}`);
    title.id = `face-${index + 1}`;
    card.setAttribute("aria-labelledby", title.id);
    card.append(title);
    for (const emotion of [...face.emotions].sort((a, b) => b.probability - a.probability)) {
      const row = element("div", "row");
      const track = element("div", "track");
      track.setAttribute("aria-hidden", "true");
      const bar = element("div", "bar");
      bar.style.width = percent(emotion.probability).replace(" ", "");
      track.append(bar);
      row.append(element("span", "", emotion.name), track, element("span", "", percent(emotion.probability)));
      card.append(row);
    }
    explain(card, face);
    if (messageId) ask(card, face, index, messageId);
    return card;
  }));
  $("note").hidden = faces.length === 0;
}

async function classify(file) {
  stopCamera();
  const mine = ++latest;
  shown = file;
  say("Classifying ...", false);
  $("picture").hidden = true;
  list([]);
  const headers = { "Content-Type": "application/octet-stream", ...key() };
  const wanted = $("explain").value;
  try {
    const response = await fetch(wanted ? `v1/classify?include=crop&explain=${wanted}` : "v1/classify", { method: "POST", body: file, headers, credentials: "omit" });
    const answer = await response.json();
    if (mine !== latest) return;
    if (!response.ok) {
      if (response.status === 401) askForKey();
      say(answer.detail || answer.title || "The picture was refused.", true);
      return;
    }
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    if (mine !== latest) return;
    draw(bitmap, answer.faces);
    list(answer.faces, answer.message_id);
    const time = `${Math.round(answer.timings_ms.total)} ms`;
    const found = answer.faces.length === 0 ? "No face was found" : answer.faces.length === 1 ? "1 face" : `${answer.faces.length} faces`;
    say(answer.model ? `${found} in ${time}, by ${answer.model.name} ${answer.model.version}.` : `${found} in ${time}.`, false);
  } catch {
    if (mine === latest) say("The server cannot be reached.", true);
  }
}

function take(files) {
  const file = [...files].find((f) => f.size > 0);
  if (file) classify(file);
}


// Enter in the field of the key, or its button: the picture that was refused goes again.
$("upload").addEventListener("submit", (event) => {
  event.preventDefault();
  if (shown) classify(shown);
});
$("file").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = "";
});
$("explain").addEventListener("change", () => shown && classify(shown));
drop.addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    $("file").click();
  }
});
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.remove("over");
  });
}
document.addEventListener("drop", (event) => take(event.dataTransfer.files));
document.addEventListener("paste", (event) => take(event.clipboardData.files));
