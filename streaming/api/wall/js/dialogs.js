// Adding and removing a camera, logging in.
import { h } from "./dom.js";
import { del, get, post } from "./http.js";
import { store } from "./store.js";
import { t } from "./words.js";

const dialog = () => document.getElementById("dialog");

function ask(title, fields, button, act) {
  const problem = h("p", { class: "problem", role: "alert" });
  const submit = h("button", { class: "button primary" }, button);
  const form = h("form", { "aria-labelledby": "dialog-title" }, h("h2", { id: "dialog-title" }, title), ...fields, problem,
    h("div", { class: "row" }, h("button", { type: "button", class: "button quiet", onclick: () => dialog().close() }, t("cancel")), submit));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    problem.textContent = "";
    try {
      await act(new FormData(form));
      dialog().close();
    } catch (error) {
      problem.textContent = error.message;
    } finally {
      submit.disabled = false;
    }
  });
  dialog().replaceChildren(form);
  if (!dialog().open) dialog().showModal();
}

export function cameraForm() {
  const used = new Set(store.cameras.keys());
  let free = 1;
  while (used.has(String(free))) free += 1;
  ask(t("addCamera"), [
    h("label", {}, t("id"), h("input", { type: "text", name: "id", value: free, required: true, maxlength: 64, pattern: "[A-Za-z0-9_.\\-]+", autocomplete: "off" })),
    h("label", {}, t("name"), h("input", { type: "text", name: "name", maxlength: 100, autocomplete: "off" })),
    h("label", {}, t("address"), h("input", { type: "text", name: "source", required: true, maxlength: 2048, autocomplete: "off", spellcheck: "false" }), h("span", { class: "hint" }, t("addressHint"))),
  ], t("add"), async (form) => {
    const { id, name, source } = Object.fromEntries(form);
    await post("/api/cameras", { id, source, ...(name && { name }) });
    store.setCameras(await get("/api/cameras"));
  });
}

export function removeCamera(camera) {
  ask(t("remove"), [h("p", {}, t("removeSure", camera.name))], t("remove"), async () => {
    await del(`/api/cameras/${encodeURIComponent(camera.id)}`);
    store.dropCamera(camera.id);
    location.hash = "#/";
  });
}

export function loginForm(then) {
  if (dialog().open) return;
  ask(t("login"), [
    h("label", {}, t("token"), h("input", { type: "password", name: "token", required: true, autocomplete: "current-password" }), h("span", { class: "hint" }, t("tokenHint"))),
  ], t("logIn"), async (form) => {
    await post("/api/session", { token: form.get("token") });
    then();
  });
}
