// The machinery: health, throughput, key pool, lag.
import { line } from "./charts.js";
import { h, setText } from "./dom.js";
import { duration, figure, percent } from "./format.js";
import { get } from "./http.js";
import { store } from "./store.js";
import { t } from "./words.js";

const REFRESH_MS = 3000;

export function systemPage(signal) {
  const checks = h("ul", { class: "checks" });
  const overall = h("small");
  const pool = h("div", { class: "table-wrap" });
  const poolSum = h("small");
  const lag = h("div");
  const charts = [
    ["throughput", "framesPerS", "", 1], ["verdictRate", "verdictsPerS", "", 1], ["latencyChart", "endToEndP95Ms", "ms", 0],
  ].map(([title, field, unit, digits]) => ({ title, field, unit, digits, big: h("p", { class: "big" }), plot: h("div") }));

  function drawCharts() {
    for (const { title, field, unit, digits, big, plot } of charts) {
      const now = store.system?.[field];
      setText(big, field === "endToEndP95Ms" ? duration(now) : figure(now, digits));
      plot.replaceChildren(line(store.history.map((p) => p[field]), { label: t(title), unit }));
    }
    drawLag(lag, store.system?.lag ?? {});
  }

  async function refresh() {
    if (document.hidden) return;
    const [health, stats] = await Promise.all([get("/api/health/health_check"), get("/api/scheduler/stats")]);
    setText(overall, t(health.status));
    checks.replaceChildren(...Object.entries(health.checks).map(([name, check]) => h("li", {},
      h("span", { class: "name" }, h("span", { class: "state", "data-state": check.state }, t(name === "keys" ? "keysCheck" : name)), h("span", { class: "visually-hidden" }, t(check.state))), h("small", {}, said(name, check)))));
    drawPool(pool, poolSum, stats);
  }

  const quietly = () => refresh().catch(() => setText(overall, t("unreachable")));
  const timer = setInterval(quietly, REFRESH_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  store.addEventListener("system", drawCharts, { signal });
  drawCharts();
  quietly();

  return h("div", { class: "page" }, h("div", { class: "head" }, h("h1", {}, t("system"))),
    h("div", { class: "system" },
      h("section", { class: "panel" }, h("h2", {}, t("checks"), overall), checks),
      charts.map(({ title, field, big, plot }) => h("section", { class: "panel third" }, h("h2", {}, t(title), field === "endToEndP95Ms" ? h("small", {}, "P95") : null), big, plot)),
      h("section", { class: "panel half" }, h("h2", {}, t("pool"), poolSum), pool),
      h("section", { class: "panel half" }, h("h2", {}, t("lagTitle")), lag)));
}

// What went wrong has words of its own, and no figures.
function said(name, check) {
  return Object.keys(check.figures).length ? t(`${name}Detail`, check.figures) : check.detail;
}

function drawPool(box, sum, stats) {
  const alone = stats.limits_shared === false ? ` · ${t("limitsAlone")}` : "";
  setText(sum, t("availableOf", stats.available_keys, stats.total_keys) + alone);
  if (!stats.keys.length) {
    box.replaceChildren(h("p", { class: "quiet-line" }, t("noKeys")));
    return;
  }
  const columns = [["key"], ["state"], ["calls", 1], ["inFlight", 1], ["leftInMinute", 1], ["success", 1]];
  box.replaceChildren(h("table", { class: "table" },
    h("thead", {}, h("tr", {}, columns.map(([name, right]) => h("th", { scope: "col", class: right && "right" }, t(name))))),
    h("tbody", {}, stats.keys.map((k) => h("tr", {},
      h("td", {}, k.key_id),
      h("td", {}, h("span", { class: "state", "data-state": k.status, title: k.last_error ?? "" }, t(k.status), k.cooldown_left_s ? ` ${Math.ceil(k.cooldown_left_s)} s` : "")),
      h("td", { class: "right" }, k.total_calls.toLocaleString()),
      h("td", { class: "right" }, String(k.in_flight ?? 0)),
      h("td", { class: "right" }, k.remaining_minute?.toLocaleString() ?? "–"),
      h("td", { class: "right" }, k.success_rate === null ? "–" : percent(k.success_rate), meter(k.success_rate)))))));
}

function meter(share) {
  const fill = h("i");
  fill.style.width = `${(share ?? 0) * 100}%`;
  return h("span", { class: "meter", "aria-hidden": "true" }, fill);
}

function drawLag(box, lag) {
  const groups = Object.entries(lag);
  if (!groups.length) {
    box.replaceChildren(h("p", { class: "quiet-line" }, t("noLag")));
    return;
  }
  box.replaceChildren(h("table", { class: "table" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("group")), h("th", { scope: "col", class: "right" }, t("behind")))),
    h("tbody", {}, groups.map(([group, behind]) => h("tr", {}, h("td", {}, t(group)), h("td", { class: "right" }, behind.toLocaleString()))))));
}
