// A camera's picture with the boxes of its road users and groups.
import { h, mark, s, setData, setText } from "./dom.js";
import { ageS, percent } from "./format.js";
import { RISKS, store } from "./store.js";
import { t } from "./words.js";

// A picture lies in Redis for five minutes; one older than this is not asked for.
const PICTURE_S = 270;
const CARRIED_S = 10;
// Narrower pictures have no room for a word at every box.
const ROOM_PX = 560;
const LEAST_OVERLAP = 0.25;

export class Screen {
  #img = null;
  #loading = false;
  #drawn = null;

  constructor(id, { labels = false } = {}) {
    this.id = id;
    this.labels = labels;
    this.visible = true;
    this.boxes = s("svg", { class: "boxes", "aria-hidden": "true", preserveAspectRatio: "xMidYMid meet" });
    this.word = h("span");
    this.use = s("use", { href: "#mark-pending" });
    this.badge = h("span", { class: "badge" }, s("svg", { class: "mark", "aria-hidden": "true" }, this.use), this.word);
    this.noticeText = h("span");
    this.noticeHint = h("small");
    this.notice = h("div", { class: "notice" }, mark("mark-offline"), this.noticeText, this.noticeHint);
    this.element = h("div", { class: "screen" }, this.boxes, this.notice, this.badge);
  }

  update() {
    const risk = store.riskOf(this.id);
    setData(this.element, "risk", risk);
    setData(this.badge, "risk", risk);
    setText(this.word, t(risk));
    if (this.use.getAttribute("href") !== `#mark-${risk}`) this.use.setAttribute("href", `#mark-${risk}`);
    this.badge.hidden = risk === "pending" && !store.newest.has(this.id);
    this.#updateNotice(risk);
    const newest = store.newest.get(this.id);
    if (newest && this.visible && !document.hidden) this.#show(newest);
    return risk;
  }

  get #hasRoom() {
    return this.labels && this.element.clientWidth >= ROOM_PX;
  }

  redraw() {
    const shown = this.#drawn;
    if (shown) this.#draw(shown);
  }

  #updateNotice(risk) {
    const camera = store.cameras.get(this.id);
    const newest = store.newest.get(this.id);
    const waiting = !newest || ageS(newest.timestamp) > PICTURE_S;
    this.notice.hidden = risk !== "offline" && !waiting;
    if (this.notice.hidden) return;
    const isUp = !camera?.status || ["online", "degraded", "unknown"].includes(camera.status);
    setText(this.noticeText, isUp ? t("noPicture") : t(camera.status));
    const hint = camera?.error ? `${camera.error}. ${t("retrying")}.` : "";
    setText(this.noticeHint, hint);
  }

  async #show(result) {
    if (this.#drawn?.messageId === result.messageId) {
      this.#draw(result);
      return;
    }
    if (this.#loading) return;
    const old = ageS(result.timestamp) > PICTURE_S;
    if (!result.frameUrl || old) return;
    this.#loading = true;
    const img = new Image();
    img.alt = "";
    img.decoding = "async";
    img.src = result.frameUrl;
    try {
      // Decoded off the page's thread; then picture and boxes change in the same moment.
      await img.decode();
      if (this.#img) this.#img.replaceWith(img);
      else this.element.prepend(img);
      this.#img = img;
      this.element.classList.add("has-picture");
      this.#draw(store.newest.get(this.id)?.messageId === result.messageId ? store.newest.get(this.id) : result);
    } catch {
      // Gone already: the next one comes within seconds.
    } finally {
      this.#loading = false;
    }
    const newest = store.newest.get(this.id);
    if (newest && newest.messageId !== result.messageId) this.#show(newest);
  }

  #draw(result) {
    this.#drawn = result;
    const { imageWidth: width, imageHeight: height } = result;
    this.boxes.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const scale = Math.max(width / (this.element.clientWidth || width), height / (this.element.clientHeight || height));
    const triggers = new Set(result.trafficGroups.filter((g) => ["medium", "high"].includes(g.riskLevel)).flatMap((g) => g.triggerObjectIds));
    const objects = result.detectedObjects.map((o) => this.#object(o, triggers, scale));
    const groups = [...result.trafficGroups]
      .filter((g) => g.bbox)
      .sort((a, b) => RISKS.indexOf(a.riskLevel) - RISKS.indexOf(b.riskLevel))
      .map((g) => this.#group(g, result, scale));
    this.boxes.replaceChildren(...objects, ...groups);
  }

  #object(object, triggers, scale) {
    const [left, , , bottom] = object.bbox;
    const box = rectangle(object.bbox, { class: triggers.has(object.objectId) ? "object trigger" : "object" });
    if (!this.#hasRoom) return box;
    const size = 10 * scale;
    const words = `${t(object.class)} ${percent(object.confidence)}`;
    const text = s("text", { class: "class", x: left, y: bottom + size, "font-size": size }, words);
    text.style.fontSize = `${size}px`;
    return s("g", {}, box, text);
  }

  #group(group, result, scale) {
    const before = group.riskLevel === "pending" ? lastRisk(this.id, group, result) : null;
    const risk = before ?? group.riskLevel;
    const isCarried = before !== null || (group.carriedAgeS ?? null) !== null;
    const box = rectangle(group.bbox, { class: isCarried ? "group before" : "group", "data-risk": risk });
    const isCalm = ["none", "pending"].includes(risk);
    if (isCalm && !this.#hasRoom) return box;
    const size = 11.5 * scale;
    const age = group.carriedAgeS ? ` · ${Math.round(group.carriedAgeS)} ${t("s")}` : "";
    const sure = group.confidence ? ` ${percent(group.confidence)}${age}` : "";
    const sign = { high: "⬢ ", medium: "▲ ", low: "◇ ", unknown: "? " }[risk] ?? "";
    const [left, top, , bottom] = group.bbox;
    // Above the box; below it where the badge is in the way, or the frame's edge.
    const isCrowded = top < size * 1.6 || (left < 110 * scale && top < 48 * scale);
    const y = isCrowded ? Math.min(bottom + size * 1.1, result.imageHeight - size * 0.4) : top - size * 0.45;
    const text = s("text", { x: left + 2 * scale, y, "data-risk": risk }, `${sign}${t(risk)}${before ? "" : sure}`);
    text.style.fontSize = `${size}px`;
    return s("g", {}, box, text);
  }
}

function rectangle([left, top, right, bottom], props) {
  return s("rect", { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top), ...props });
}

// Until a group is judged it keeps, dashed, the danger that was seen in its place just now.
function lastRisk(id, group, result) {
  const verdict = store.verdicts.get(id);
  if (!verdict || verdict.messageId === result.messageId) return null;
  if (Date.parse(result.timestamp) - Date.parse(verdict.timestamp) > CARRIED_S * 1000) return null;
  const same = verdict.trafficGroups.find(
    (g) => ["low", "medium", "high"].includes(g.riskLevel) && g.bbox && overlap(g.bbox, group.bbox) > LEAST_OVERLAP,
  );
  return same?.riskLevel ?? null;
}

function overlap(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = ([left, top, right, bottom]) => (right - left) * (bottom - top);
  return (width * height) / (area(a) + area(b) - width * height);
}
