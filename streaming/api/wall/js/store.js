// What is known now. Pages listen to "camera", "result", "alert", "system" and "connection".
import { ageS } from "./format.js";

export const RISKS = ["pending", "unknown", "none", "low", "medium", "high"];
const FRESH_S = 15;
const HISTORY = 120;
const ALERTS_KEPT = 200;

class Store extends EventTarget {
  connection = "connecting";
  cameras = new Map();
  newest = new Map();
  verdicts = new Map();
  alerts = new Map();
  system = null;
  history = [];

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  setConnection(state) {
    this.connection = state;
    this.tell("connection");
  }

  setCameras(list) {
    const listed = new Set(list.map((c) => c.id));
    for (const id of this.cameras.keys()) if (!listed.has(id)) this.dropCamera(id, false);
    for (const camera of list) this.cameras.set(camera.id, camera);
    this.tell("camera");
  }

  patchCamera(id, changes) {
    this.cameras.set(id, { id, name: id, ...this.cameras.get(id), ...changes });
    this.tell("camera", id);
  }

  dropCamera(id, tell = true) {
    for (const map of [this.cameras, this.newest, this.verdicts]) map.delete(id);
    if (tell) this.tell("camera", id);
  }

  addResult(result) {
    const id = result.cameraId;
    const isNews = keepNewer(this.newest, id, result, result.imageWidth !== null);
    const judged = result.state !== "pending" || result.hasDangerousDriving;
    const isVerdict = keepNewer(this.verdicts, id, result, judged);
    if (isNews || isVerdict) this.tell("result", id);
  }

  addAlert(alert, isLive) {
    const known = this.alerts.get(alert.id);
    if (known?.acknowledged) alert = { ...alert, acknowledged: true, acknowledgedAt: known.acknowledgedAt };
    this.alerts.set(alert.id, alert);
    if (this.alerts.size > ALERTS_KEPT) this.alerts.delete(this.alertList().at(-1).id);
    this.tell("alert", { alert, isNew: isLive && !known, isRaised: known && known.riskLevel !== alert.riskLevel });
  }

  setAlerts(list) {
    this.alerts = new Map(list.map((a) => [a.id, a]));
    this.tell("alert", {});
  }

  setSystem(system) {
    this.system = system;
    this.history.push(system);
    if (this.history.length > HISTORY) this.history.shift();
    this.tell("system");
  }

  alertList() {
    return [...this.alerts.values()].sort((a, b) => (a.capturedAt < b.capturedAt ? 1 : -1));
  }

  // Nobody has acknowledged them yet.
  alertsToDo() {
    return this.alertList().filter((a) => !a.acknowledged);
  }

  // Their danger was seen just now.
  ongoingAlerts() {
    return this.alertList().filter((a) => !a.closedAt);
  }

  // The risk to show for a camera now: its last verdict, while that is fresh.
  riskOf(id) {
    const camera = this.cameras.get(id);
    if (camera && ["offline", "stopped"].includes(camera.status)) return "offline";
    const verdict = this.verdicts.get(id);
    if (!verdict) return "pending";
    return ageS(verdict.timestamp) > FRESH_S ? "unknown" : verdict.maxRiskLevel;
  }
}

function keepNewer(map, id, result, applies) {
  if (!applies) return false;
  const known = map.get(id);
  if (known && known.timestamp > result.timestamp) return false;
  map.set(id, result);
  return true;
}

export const store = new Store();
