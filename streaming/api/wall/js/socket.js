// The WebSocket: reconnects by itself, with growing pauses, and notices a silent server.
import { setServerTime } from "./format.js";
import { store } from "./store.js";

const FIRST_MS = 400;
const MOST_MS = 8000;
const SILENCE_MS = 12000;
const PING_MS = 5000;

let socket = null;
let delayMs = FIRST_MS;
let heardAt = 0;
let timer = null;
let onOpen = async () => {};

export function connect(whenOpen) {
  onOpen = whenOpen;
  setInterval(watch, PING_MS);
  addEventListener("online", retryNow);
  document.addEventListener("visibilitychange", () => document.hidden || retryNow());
  open();
}

function open() {
  clearTimeout(timer);
  timer = null;
  heardAt = Date.now();
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
  socket.addEventListener("open", opened);
  socket.addEventListener("message", heard);
  socket.addEventListener("close", closed);
}

function opened() {
  delayMs = FIRST_MS;
  say("subscribe", { frames: false, system: true });
  store.setConnection("live");
  onOpen().catch(() => {});
}

function closed(event) {
  if (event.target !== socket) return;
  store.setConnection("offline");
  // Half of it at random, so that not all walls come back in the same moment.
  timer ??= setTimeout(open, delayMs * (0.5 + Math.random() / 2));
  delayMs = Math.min(delayMs * 2, MOST_MS);
}

function retryNow() {
  if (timer) open();
}

function watch() {
  if (socket.readyState !== WebSocket.OPEN) return;
  if (Date.now() - heardAt > SILENCE_MS) socket.close();
  else say("ping", {});
}

function say(type, data) {
  socket.send(JSON.stringify({ type, data }));
}

function heard(event) {
  heardAt = Date.now();
  const { type, data } = JSON.parse(event.data);
  if (type === "detection_result") store.addResult(data);
  else if (type === "alert") store.addAlert(data, true);
  else if (type === "system") store.setSystem(data);
  else if (type === "camera_status") {
    const error = data.status === 2 ? data.message : null;
    store.patchCamera(data.cameraId, { status: data.state, error, ...(data.name && { name: data.name }) });
  } else if (type === "stream_stopped") store.dropCamera(data.cameraId);
  else if (type === "connection_ack") setServerTime(data.serverTime);
}
