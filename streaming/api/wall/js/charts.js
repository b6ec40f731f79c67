// Two small charts: bars of risk, a line of figures.
import { h, s } from "./dom.js";
import { RISKS } from "./store.js";
import { t } from "./words.js";

const WIDTH = 600;

export function riskBars(verdicts, label) {
  const height = 64;
  const step = WIDTH / Math.max(40, verdicts.length);
  const bars = [...verdicts].reverse().map((v, i) => {
    const tall = { high: 60, medium: 44, low: 26, none: 9, unknown: 16, pending: 5 }[v.maxRiskLevel];
    return s("rect", { class: "bar-mark", "data-risk": v.maxRiskLevel, x: i * step + step * 0.12, y: height - tall, width: step * 0.76, height: tall, rx: 1 });
  });
  const counts = RISKS.map((r) => [r, verdicts.filter((v) => v.maxRiskLevel === r).length]).filter(([, n]) => n);
  const said = counts.map(([r, n]) => `${t(r)} ${n}`).join(", ");
  return h("div", { class: "chart" },
    s("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": `${label}: ${said}` }, bars, s("path", { class: "axis", d: `M0 ${height}H${WIDTH}` })));
}

export function line(values, { label, height = 70, unit = "" } = {}) {
  const known = values.filter((v) => v !== null && v !== undefined);
  const most = Math.max(...known, 0) || 1;
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = values.map((v, i) => (v === null || v === undefined ? null : `${(i * step).toFixed(1)} ${(height - 4 - (v / most) * (height - 14)).toFixed(1)}`)).filter(Boolean);
  const path = points.length > 1 ? `M${points.join("L")}` : "";
  const svg = s("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": `${label}: ${known.at(-1) ?? "–"} ${unit}` },
    s("path", { class: "axis", d: `M0 ${height - 4}H${WIDTH}` }));
  if (path) {
    svg.append(s("path", { class: "area", d: `${path}L${points.at(-1).split(" ")[0]} ${height - 4}L${points[0].split(" ")[0]} ${height - 4}Z` }), s("path", { class: "line", d: path }),
    );
  }
  return h("div", { class: "chart" }, svg, path && h("span", { class: "most", "aria-hidden": "true" }, `≤ ${most < 100 ? Math.round(most * 10) / 10 : Math.round(most)} ${unit}`));
}
