// The grid of cameras and the alert feed.
import { alertCard, updateAlertCard } from "./alert_card.js";
import { cameraForm } from "./dialogs.js";
import { h, keyed, mark, setData, setText } from "./dom.js";
import { ageS, span } from "./format.js";
import { Screen } from "./screen.js";
import { store } from "./store.js";
import { remember, remembered, t } from "./words.js";

const STALE_S = 8;
const FEED_SHOWN = 60;
const tiles = new WeakMap();

let size = remembered("size") ?? "m";
let only = "all";
let feed = "todo";

export function wallPage(signal) {
  const grid = h("ul", { class: "grid", "data-size": size, "aria-label": t("cameras") });
  const sum = h("span", { class: "sum num" });
  const none = h("div", { class: "empty", hidden: true });
  const list = h("ul", { "aria-label": t("alerts") });
  const quiet = h("div", { class: "empty" }, mark("mark-none"), h("strong", {}, t("noAlerts")), h("span", {}, t("noAlertsHint")));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const tile = tiles.get(entry.target);
      tile.screen.visible = entry.isIntersecting;
      if (entry.isIntersecting) tile.update();
    }
  }, { rootMargin: "120px" });

  function drawGrid() {
    const all = [...store.cameras.values()].sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }));
    const shown = only === "all" ? all : all.filter((c) => ["medium", "high"].includes(store.riskOf(c.id)));
    keyed(grid, shown, (c) => c.id, (c) => create(c, seen), (element) => tiles.get(element).update());
    setText(sum, t("onlineOf", all.filter((c) => ["online", "degraded"].includes(c.status)).length, all.length));
    none.hidden = shown.length > 0;
    setText(none, all.length ? t("nothingAtRisk") : t("noCameras"));
  }

  function drawFeed(event) {
    const chosen = { now: store.ongoingAlerts(), todo: store.alertsToDo(), all: store.alertList() }[feed];
    const alerts = chosen.slice(0, FEED_SHOWN);
    const fresh = event?.detail?.isNew ? event.detail.alert.id : null;
    keyed(list, alerts, (a) => a.id, (a) => alertCard(a, { isNew: a.id === fresh }), updateAlertCard);
    quiet.hidden = alerts.length > 0;
  }

  const tick = () => (only === "all" ? updateTiles(grid) : drawGrid());
  store.addEventListener("camera", drawGrid, { signal });
  store.addEventListener("alert", drawFeed, { signal });
  store.addEventListener("tick", tick, { signal });
  store.addEventListener("result", (e) => {
    const element = grid.querySelector(`[data-key="${CSS.escape(e.detail)}"]`);
    if (element) tiles.get(element).update();
  }, { signal });
  signal.addEventListener("abort", () => seen.disconnect());
  drawGrid();
  drawFeed();

  return h("div", { class: "wall" },
    h("section", { class: "cameras" },
      h("div", { class: "head" },
        h("h1", {}, t("cameras"), sum), h("span", { class: "spacer" }),
        segments(t("show"), [["all", t("all")], ["risk", t("atRisk")]], only, (v) => { only = v; drawGrid(); }),
        segments(t("tileSize"), [["s", t("small")], ["m", t("mediumSize")], ["l", t("large")]], size, (v) => {
          size = v;
          remember("size", v);
          setData(grid, "size", v);
          for (const element of grid.children) tiles.get(element).screen.redraw();
        }, "sizes"),
        h("button", { type: "button", class: "button add", onclick: cameraForm }, mark("icon-plus"), t("addCamera"))),
      grid, none),
    h("aside", { class: "feed", "aria-label": t("alerts") },
      h("div", { class: "head" }, h("h2", {}, t("alerts")),
        segments(t("state"), [["now", t("ongoing")], ["todo", t("open")], ["all", t("all")]], feed, (v) => { feed = v; drawFeed(); })),
      quiet, list));
}

function create(camera, seen) {
  const screen = new Screen(camera.id);
  const name = h("h2");
  // Out of the link's name: it would be read anew every second.
  const age = h("span", { class: "age", "aria-hidden": "true" });
  const link = h("a", { href: `#/camera/${encodeURIComponent(camera.id)}` }, screen.element,
    h("div", { class: "foot" }, h("span", { class: "id" }, camera.id), name, age));
  const element = h("li", { class: "tile" }, link);
  screen.visible = false;
  const update = () => {
    const risk = screen.update();
    setData(element, "risk", risk);
    setText(name, store.cameras.get(camera.id)?.name ?? camera.id);
    showAge(age, store.newest.get(camera.id));
  };
  tiles.set(element, { screen, update });
  seen.observe(element);
  return element;
}

export function showAge(element, result) {
  const seconds = result ? ageS(result.timestamp) : null;
  setText(element, seconds === null ? "–" : t("age", span(seconds)));
  setData(element, "stale", seconds !== null && seconds > STALE_S ? "" : null);
}

function updateTiles(grid) {
  for (const element of grid.children) tiles.get(element).update();
}

export function segments(label, choices, chosen, choose, extra = "") {
  const group = h("div", { class: `segments ${extra}`, role: "group", "aria-label": label });
  for (const [value, text] of choices) {
    group.append(h("button", { type: "button", "aria-pressed": String(value === chosen), onclick: (e) => {
      for (const other of group.children) other.setAttribute("aria-pressed", String(other === e.currentTarget));
      choose(value);
    } }, text));
  }
  return group;
}
