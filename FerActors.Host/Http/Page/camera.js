"use strict";

// Pictures of the camera go to the server of this page and nowhere else: one after the other, two a second at most.
const frameInterval = 500;
const longestSide = 640;

// Seconds in which half of what an earlier picture said is forgotten.
const halfLife = 0.7;

let camera = null;

// How much of two boxes is in both.
function overlap(a, b) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (a.width * a.height + b.width * b.height - both);
}

// The faces of a picture, their probabilities averaged over time with those of the same face in the pictures before: the one whose box
// overlaps most. The average forgets by the time that has passed, so that slow pictures are not smoothed more than fast ones.
function smooth(before, faces, seconds) {
  const kept = Math.pow(0.5, seconds / halfLife);
  const free = new Set(before);
  return faces.map((face) => {
    const same = [...free].map((other) => ({ other, share: overlap(other.box, face.box) })).sort((a, b) => b.share - a.share)[0];
    if (!same || same.share < 0.3) return face;
    free.delete(same.other);
    const emotions = face.emotions.map((emotion) => {
      const earlier = same.other.emotions.find((other) => other.label === emotion.label);
      return { ...emotion, probability: kept * earlier.probability + (1 - kept) * emotion.probability };
    });
    const best = emotions.reduce((a, b) => b.probability > a.probability ? b : a);
    return { ...face, emotions, label: best.label, dominant_emotion: best.name, confidence: best.probability };
  });
}

// A screen reader hears what has changed, and not each picture.
function announce(faces) {
  const text = faces.length === 0 ? "The camera sees no face." : `The camera sees ${faces.map((face) => face.dominant_emotion).join(", ")}.`;
  if ($("status").textContent !== text) say(text, false);
}

function stopCamera() {
  if (!camera) return;
  for (const track of camera.stream.getTracks()) track.stop();
  clearTimeout(camera.timer);
  camera = null;
  latest++;
  $("camera").textContent = "Use the camera";
  $("camera").setAttribute("aria-pressed", "false");
}

async function frame(mine) {
  const began = performance.now();
  const { video } = mine;
  const scale = Math.min(1, longestSide / Math.max(video.videoWidth, video.videoHeight));
  const canvas = new OffscreenCanvas(Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale));
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  const picture = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
  const headers = { "Content-Type": "application/octet-stream", ...key() };
  let wait = frameInterval;
  try {
    const response = await fetch("v1/classify", { method: "POST", body: picture, headers, credentials: "omit" });
    const answer = await response.json();
    if (camera !== mine) return;
    if (response.ok) {
      mine.faces = smooth(mine.faces, answer.faces, (began - mine.last) / 1000);
      mine.last = began;
      draw(await createImageBitmap(picture), mine.faces);
      list(mine.faces);
      announce(mine.faces);
    } else if (response.status === 429 || response.status === 503) {
      wait = 1000 * Math.max(1, Number(response.headers.get("Retry-After")) || 1);
    } else {
      stopCamera();
      if (response.status === 401) askForKey();
      say(answer.detail || answer.title || "The picture was refused.", true);
      return;
    }
  } catch {
    if (camera !== mine) return;
    stopCamera();
    say("The server cannot be reached.", true);
    return;
  }
  if (camera === mine) mine.timer = setTimeout(() => frame(mine), Math.max(0, wait - (performance.now() - began)));
}

async function startCamera() {
  latest++;
  shown = null;
  say("Waiting for the camera ...", false);
  $("camera").disabled = true;
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, facingMode: "user" }, audio: false });
    const video = document.createElement("video");
    video.muted = true;
    video.playsInline = true;
    video.srcObject = stream;
    await video.play();
    camera = { stream, video, faces: [], last: performance.now(), timer: 0 };
    for (const track of stream.getTracks()) {
      track.addEventListener("ended", () => {
        if (camera && camera.stream === stream) {
          stopCamera();
          say("The camera has ended.", true);
        }
      });
    }
    $("camera").textContent = "Stop the camera";
    $("camera").setAttribute("aria-pressed", "true");
    frame(camera);
  } catch (error) {
    say(error.name === "NotAllowedError" ? "The browser does not allow the camera." : "There is no camera to use.", true);
  }
  $("camera").disabled = false;
}

// Browsers give the camera to pages on this machine or over TLS alone.
$("camera-row").hidden = !(navigator.mediaDevices && navigator.mediaDevices.getUserMedia);
$("camera").addEventListener("click", () => {
  if (camera) {
    stopCamera();
    say("The camera is off.", false);
  } else {
    startCamera();
  }
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden && camera) {
    stopCamera();
    say("The camera was stopped when the page was hidden.", false);
  }
});
