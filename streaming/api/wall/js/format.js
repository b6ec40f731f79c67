// Times, ages and figures as people read them.
import { currentLanguage, t } from "./words.js";

// How far this browser's clock is ahead of the server's, in ms.
let skewMs = 0;

export function setServerTime(iso) {
  skewMs = Date.now() - Date.parse(iso);
}

export function ageS(iso) {
  return Math.max(0, (Date.now() - skewMs - Date.parse(iso)) / 1000);
}

export function span(seconds) {
  const gap = currentLanguage() === "zh" ? "" : " ";
  if (seconds < 90) return `${Math.round(seconds)}${gap}${t("s")}`;
  if (seconds < 5400) return `${Math.round(seconds / 60)}${gap}${t("min")}`;
  return `${Math.round(seconds / 3600)}${gap}${t("hr")}`;
}

export function clock(iso) {
  return new Date(iso).toLocaleTimeString(currentLanguage() === "zh" ? "zh-CN" : "en-GB");
}

export function percent(share) {
  return `${Math.round(share * 100)}%`;
}

export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

export function figure(value, digits = 0) {
  return value === null || value === undefined ? "–" : value.toFixed(digits);
}
