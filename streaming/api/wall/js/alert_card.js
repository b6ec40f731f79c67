// One alert: picture, what was seen, how sure, where, when, and the button.
import { h, mark, setData, setText } from "./dom.js";
import { ageS, clock, percent, span } from "./format.js";
import { post } from "./http.js";
import { store } from "./store.js";
import { t } from "./words.js";

// An alert's picture is kept for six hours.
const PICTURE_S = 6 * 3600;

export function alertCard(alert, { isNew = false } = {}) {
  const card = h("li", { class: isNew ? "alert arrived" : "alert" });
  card.append(
    h("a", { class: "picture", href: `#/camera/${encodeURIComponent(alert.cameraId)}`, tabindex: "-1", "aria-hidden": "true" }),
    h("div", { class: "told" },
      h("div", { class: "top" }, h("span", { class: "risk" }), h("time", { class: "when" })),
      h("a", { class: "camera", href: `#/camera/${encodeURIComponent(alert.cameraId)}` }),
      h("p"),
      h("ul", { class: "chips" }),
      h("div", { class: "bottom" })),
  );
  return card;
}

export function updateAlertCard(card, alert) {
  const find = (name) => card.querySelector(name);
  setData(card, "risk", alert.riskLevel);
  setData(card, "done", alert.acknowledged ? "" : null);
  setData(card, "over", alert.closedAt ? "" : null);
  if (card.dataset.level !== alert.riskLevel + t("high")) {
    card.dataset.level = alert.riskLevel + t("high");
    find(".risk").replaceChildren(mark(`mark-${alert.riskLevel}`), t(alert.riskLevel));
  }
  setText(find(".camera"), alert.cameraName);
  const when = find(".when");
  when.dateTime = alert.capturedAt;
  setText(when, clock(alert.capturedAt));
  setText(find("p"), alert.description);
  find(".chips").replaceChildren(...alert.riskTypes.map((r) => h("li", {}, r)));
  updatePicture(find(".picture"), alert);
  updateBottom(find(".bottom"), alert);
}

function updatePicture(picture, alert) {
  const url = alert.imageRef && ageS(alert.capturedAt) < PICTURE_S ? `/api/images/${alert.imageRef}.jpg` : null;
  if (!url || picture.firstChild?.getAttribute("src") === url) return;
  const img = h("img", { src: url, alt: "", loading: "lazy", decoding: "async" });
  img.addEventListener("error", () => img.remove(), { once: true });
  picture.replaceChildren(img);
}

function updateBottom(bottom, alert) {
  const lasted = (Date.parse(alert.lastSeenAt) - Date.parse(alert.capturedAt)) / 1000;
  const seen = alert.sightings.length > 1 ? ` · ${t("seen", alert.sightings.length, span(lasted))}` : "";
  const state = alert.closedAt ? t("over") : alert.currentLevel === alert.riskLevel ? t("ongoing") : t("nowLevel", t(alert.currentLevel));
  const words = `${t("sure", percent(alert.confidence))}${seen} · ${state}`;
  const key = `${alert.acknowledged}|${words}`;
  if (bottom.dataset.key2 === key) return;
  bottom.dataset.key2 = key;
  const hadFocus = bottom.contains(document.activeElement);
  const end = alert.acknowledged
    ? h("span", { class: "done" }, mark("icon-check"), t("acknowledged"))
    : h("button", { type: "button", class: "button small", "aria-label": `${t("acknowledge")}: ${alert.cameraName}, ${alert.description}`, onclick: (e) => acknowledge(e.currentTarget, alert) }, t("acknowledge"));
  bottom.replaceChildren(h("span", { class: "sure" }, words), end);
  if (hadFocus) bottom.querySelector("button")?.focus();
}

async function acknowledge(button, alert) {
  button.disabled = true;
  try {
    store.addAlert(await post(`/api/alerts/${encodeURIComponent(alert.id)}/acknowledge`), false);
  } catch {
    button.disabled = false;
  }
}
