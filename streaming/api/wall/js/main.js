// Starts everything, and shows the page that the address names.
import { alertsPage } from "./alerts_page.js";
import { cameraPage } from "./camera_page.js";
import { loginForm } from "./dialogs.js";
import { h, mark, setData, setText } from "./dom.js";
import { duration, figure } from "./format.js";
import { get, whenUnauthorized } from "./http.js";
import { connect } from "./socket.js";
import { store } from "./store.js";
import { systemPage } from "./system_page.js";
import { wallPage } from "./wall_page.js";
import { currentLanguage, remember, remembered, setLanguage, t } from "./words.js";

const byId = (id) => document.getElementById(id);
let leaving = new AbortController();

function show() {
  leaving.abort();
  leaving = new AbortController();
  const [, page = "", id = ""] = location.hash.split("/");
  const name = { camera: "camera", alerts: "alerts", system: "system" }[page] ?? "wall";
  const make = { wall: wallPage, camera: cameraPage, alerts: alertsPage, system: systemPage }[name];
  byId("main").replaceChildren(make(leaving.signal, decodeURIComponent(id)));
  for (const tab of document.querySelectorAll(".tabs a")) {
    const isCurrent = tab.dataset.page === (name === "camera" ? "wall" : name);
    if (isCurrent) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  document.title = `${name === "camera" ? (store.cameras.get(id)?.name ?? id) : t(name)} · Trafficmon`;
}

function drawFrame() {
  for (const element of document.querySelectorAll("[data-t]")) setText(element, t(element.dataset.t));
  for (const element of document.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
  const language = byId("language");
  setText(language, t("language"));
  language.title = t("languageTitle");
  language.setAttribute("aria-label", t("languageTitle"));
  drawTheme();
  drawLink();
  drawGauges();
  drawCount();
}

function isDark() {
  return document.documentElement.dataset.theme !== "light";
}

function applyTheme(theme) {
  document.documentElement.dataset.theme = theme;
  drawTheme();
}

function drawTheme() {
  const button = byId("theme");
  button.replaceChildren(mark(isDark() ? "icon-sun" : "icon-moon"));
  button.setAttribute("aria-label", t(isDark() ? "light" : "dark"));
  button.title = t(isDark() ? "light" : "dark");
}

function drawLink() {
  const state = byId("link-state");
  setData(state, "state", store.connection);
  setText(state, t({ live: "live", connecting: "connecting", offline: "disconnected" }[store.connection]));
}

function drawGauges() {
  const now = store.system;
  const behind = now && Object.values(now.lag).reduce((a, b) => a + b, 0);
  const gauges = [
    ["framesPerS", figure(now?.framesPerS, 1)], ["verdictsPerS", figure(now?.verdictsPerS, 1)], ["p95", duration(now?.endToEndP95Ms)],
    ["keys", now ? `${now.keys.available}/${now.keys.total}` : "–", now && now.keys.available < now.keys.total], ["lag", figure(behind)],
  ];
  byId("gauges").replaceChildren(...gauges.map(([name, value, alarm]) =>
    h("div", { class: [["keys", "lag"].includes(name) && "extra", alarm && "alarm"].filter(Boolean).join(" ") }, h("dt", {}, t(name)), h("dd", {}, value))));
}

function drawCount() {
  const open = store.alertsToDo().length;
  const count = byId("open-count");
  count.hidden = open === 0;
  setText(count, open > 99 ? "99+" : String(open));
}

function announce(event) {
  drawCount();
  const { alert, isNew, isRaised } = event.detail ?? {};
  if (alert && (isNew || isRaised)) setText(byId("announcer"), t("alertSaid", t(alert.riskLevel), alert.cameraName, alert.description));
}

async function load() {
  store.setCameras(await get("/api/cameras"));
  store.setAlerts((await get("/api/alerts?pageSize=100")).items);
}

const prefersLight = matchMedia("(prefers-color-scheme: light)");
applyTheme(remembered("theme") ?? (prefersLight.matches ? "light" : "dark"));
prefersLight.addEventListener("change", (e) => remembered("theme") ?? applyTheme(e.matches ? "light" : "dark"));
setLanguage(currentLanguage());
byId("theme").addEventListener("click", () => {
  const theme = isDark() ? "light" : "dark";
  remember("theme", theme);
  applyTheme(theme);
});
byId("language").addEventListener("click", () => {
  setLanguage(currentLanguage() === "zh" ? "en" : "zh");
  drawFrame();
  show();
});
store.addEventListener("connection", drawLink);
store.addEventListener("system", drawGauges);
store.addEventListener("alert", announce);
addEventListener("hashchange", () => {
  show();
  byId("main").focus();
});
setInterval(() => store.tell("tick"), 1000);
whenUnauthorized(() => loginForm(() => location.reload()));
drawFrame();
show();
connect(load);
load().catch(() => {});
