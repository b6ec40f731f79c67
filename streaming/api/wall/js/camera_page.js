// One camera: the picture large, its groups' verdicts, what was said before.
import { line, riskBars } from "./charts.js";
import { removeCamera } from "./dialogs.js";
import { h, mark, setText } from "./dom.js";
import { clock, duration, percent } from "./format.js";
import { get } from "./http.js";
import { Screen } from "./screen.js";
import { RISKS, store } from "./store.js";
import { showAge } from "./wall_page.js";
import { t } from "./words.js";

const VERDICTS = 80;
const REFRESH_MS = 2500;

export function riskWord(risk) {
  return h("span", { class: "risk", "data-risk": risk }, mark(`mark-${risk}`), t(risk));
}

export function cameraPage(signal, id) {
  const screen = new Screen(id, { labels: true });
  const title = h("h1");
  const age = h("span", { class: "age" });
  const facts = h("dl", { class: "facts" });
  const groups = h("ul", { class: "groups" });
  const count = h("small");
  const bars = h("div");
  const latency = h("div");
  const body = h("tbody");
  let newestShown = null;

  function draw() {
    const camera = store.cameras.get(id);
    const result = store.newest.get(id);
    setText(title, camera?.name ?? id);
    screen.update();
    showAge(age, result);
    drawFacts(facts, camera, result);
    const verdict = store.verdicts.get(id);
    const shown = result?.state === "pending" && verdict ? verdict : result;
    const key = shown && `${shown.messageId}${shown.state}${shown.assessedAt}`;
    if (key === newestShown) return;
    newestShown = key;
    setText(count, shown ? `${clock(shown.timestamp)} · ${t("objects", shown.detectedObjects.length || result.detectedObjects.length)}` : "");
    drawGroups(groups, shown);
  }

  async function refresh() {
    if (document.hidden || !store.cameras.has(id)) return;
    const verdicts = await get(`/api/cameras/${encodeURIComponent(id)}/history?limit=${VERDICTS}`);
    bars.replaceChildren(riskBars(verdicts, t("timeline")));
    latency.replaceChildren(line([...verdicts].reverse().map((v) => v.endToEndMs), { label: t("latencyChart"), unit: "ms" }));
    body.replaceChildren(...verdicts.slice(0, 40).map((v) => h("tr", {},
      h("td", {}, clock(v.capturedAt)), h("td", {}, riskWord(v.maxRiskLevel)),
      h("td", { class: "text" }, v.description || "–"), h("td", { class: "right" }, duration(v.endToEndMs)))));
  }

  const quietly = () => refresh().catch(() => {});
  const timer = setInterval(quietly, REFRESH_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  for (const type of ["camera", "tick"]) store.addEventListener(type, draw, { signal });
  store.addEventListener("result", (e) => e.detail === id && draw(), { signal });
  const resized = new ResizeObserver(() => screen.redraw());
  resized.observe(screen.element);
  signal.addEventListener("abort", () => resized.disconnect());
  draw();
  quietly();

  return h("div", { class: "page" },
    h("div", { class: "head" }, h("a", { class: "button quiet", href: "#/" }, mark("icon-back"), t("back")), title, age, h("span", { class: "spacer" }),
      h("button", { type: "button", class: "button danger", onclick: () => removeCamera(store.cameras.get(id) ?? { id, name: id }) }, t("remove"))),
    h("div", { class: "camera-page" },
      h("div", { class: "stack" }, screen.element,
        h("section", { class: "panel" }, facts),
        h("section", { class: "panel" }, h("h2", {}, t("timeline")), bars, h("h2", {}, t("latencyChart")), latency)),
      h("div", { class: "stack" },
        h("section", { class: "panel" }, h("h2", {}, t("groups"), count), groups),
        h("section", { class: "panel" }, h("h2", {}, t("verdicts")),
          h("div", { class: "rows", tabindex: "0", role: "region", "aria-label": t("verdicts") }, h("table", {},
            h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("time")), h("th", { scope: "col" }, t("risk")), h("th", { scope: "col" }, t("said")), h("th", { scope: "col", class: "right" }, t("latency")))), body))))));
}

function drawFacts(list, camera, result) {
  const entries = [
    [t("status"), camera ? t(camera.status ?? "unknown") : t("gone")],
    [t("source"), camera?.source],
    [t("frame"), result && `${result.imageWidth} × ${result.imageHeight}`],
    [t("model"), result && [result.modelType, result.llmModel ?? store.verdicts.get(result.cameraId)?.llmModel].filter(Boolean).join(" · ")],
    [t("latency"), duration(store.verdicts.get(camera?.id)?.endToEndMs)],
  ].filter(([, value]) => value);
  const key = JSON.stringify(entries);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function drawGroups(list, result) {
  const groups = [...(result?.trafficGroups ?? [])].sort((a, b) => RISKS.indexOf(b.riskLevel) - RISKS.indexOf(a.riskLevel));
  list.replaceChildren(...groups.map((g) => h("li", {},
    riskWord(g.riskLevel),
    h("span", { class: "what" }, g.classes.map((c) => t(c)).join(", "), g.objectCount ? ` · ${t("objects", g.objectCount)}` : ""),
    h("span", { class: "sure" }, g.confidence ? percent(g.confidence) : ""),
    g.description || g.error ? h("p", {}, g.description || g.error) : null,
    g.skipped ? h("small", {}, whySkipped(g)) : null)));
  if (result && !groups.length) list.append(h("li", {}, h("p", { class: "what" }, t("noGroups"))));
}

function whySkipped(group) {
  if (group.skipped === "rate") return t("rateSkipped");
  return group.carriedAgeS === null ? "" : t("carried", Math.round(group.carriedAgeS));
}
