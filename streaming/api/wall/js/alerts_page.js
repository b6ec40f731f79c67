// All alerts: filtered and paged by the server.
import { alertCard, updateAlertCard } from "./alert_card.js";
import { h, keyed, setText } from "./dom.js";
import { get } from "./http.js";
import { store } from "./store.js";
import { t } from "./words.js";

const SIZE = 20;

export function alertsPage(signal) {
  const wanted = { cameraId: "", level: "", open: "", acknowledged: "" };
  let page = 1;
  let shown = [];
  const list = h("ul", { class: "alert-list", "aria-label": t("alerts") });
  const none = h("div", { class: "empty", hidden: true }, t("noneFound"));
  const place = h("span", { class: "num" });
  const newer = h("button", { type: "button", class: "button", onclick: () => turn(-1) }, t("newer"));
  const older = h("button", { type: "button", class: "button", onclick: () => turn(1) }, t("older"));
  const pager = h("div", { class: "pager" }, newer, place, older);

  async function load() {
    const query = new URLSearchParams({ page, pageSize: SIZE });
    for (const [name, value] of Object.entries(wanted)) if (value) query.set(name, value);
    const found = await get(`/api/alerts?${query}`);
    shown = found.items;
    const pages = Math.max(1, Math.ceil(found.total / SIZE));
    keyed(list, shown, (a) => a.id, alertCard, updateAlertCard);
    list.hidden = !shown.length;
    none.hidden = shown.length > 0;
    pager.hidden = pages === 1;
    setText(place, t("page", page, pages));
    newer.disabled = page === 1;
    older.disabled = page === pages;
  }

  const quietly = () => load().catch(() => {});
  const turn = (by) => { page += by; quietly(); scrollTo({ top: 0 }); };
  const filter = (name, label, choices) => h("select", { "aria-label": label, onchange: (e) => { wanted[name] = e.target.value; page = 1; quietly(); } },
    choices.map(([value, text]) => h("option", { value }, text)));

  let waiting = null;
  store.addEventListener("alert", () => { waiting ??= setTimeout(() => { waiting = null; quietly(); }, 400); }, { signal });
  signal.addEventListener("abort", () => clearTimeout(waiting));
  quietly();

  return h("div", { class: "page" },
    h("div", { class: "head" }, h("h1", {}, t("alerts")), h("span", { class: "spacer" }), h("div", { class: "filters" },
      filter("cameraId", t("camera"), [["", t("allCameras")], ...[...store.cameras.values()].map((c) => [c.id, c.name])]),
      filter("level", t("level"), [["", t("allLevels")], ["high", t("high")], ["medium", t("medium")]]),
      filter("open", t("course"), [["", t("anyCourse")], ["true", t("ongoing")], ["false", t("over")]]),
      filter("acknowledged", t("state"), [["", t("anyState")], ["false", t("open")], ["true", t("acknowledged")]]))),
    list, none, pager);
}
