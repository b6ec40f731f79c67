// JSON over HTTP: the envelope's data, or an Error with the server's own reason.
let onUnauthorized = () => {};

export function whenUnauthorized(handler) {
  onUnauthorized = handler;
}

export async function get(path) {
  return ask(path, {});
}

export async function post(path, body) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  return ask(path, { method: "POST", headers, body: body === undefined ? null : JSON.stringify(body) });
}

export async function del(path) {
  return ask(path, { method: "DELETE" });
}

async function ask(path, options) {
  const response = await fetch(path, { ...options, credentials: "same-origin" });
  const answer = await response.json().catch(() => ({ msg: response.statusText }));
  if (response.status === 401 && path !== "/api/session") onUnauthorized();
  // A health check that is down still answers with its data.
  if (!response.ok && !answer.data) throw new Error(answer.msg);
  return answer.data;
}
