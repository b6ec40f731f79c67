// Small helpers around the DOM: text is always text, never markup.
const SVG = "http://www.w3.org/2000/svg";

export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function s(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

export function mark(name) {
  return s("svg", { class: "mark", "aria-hidden": "true" }, s("use", { href: `#${name}` }));
}

// Set only what differs, so that a screen reader and the selection are not disturbed.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setData(element, name, value) {
  if (value === null || value === undefined) delete element.dataset[name];
  else if (element.dataset[name] !== String(value)) element.dataset[name] = value;
}

// Keep one element per key, in order; the ones that stay keep focus and loaded pictures.
export function keyed(container, items, keyOf, create, update) {
  const known = new Map([...container.children].map((e) => [e.dataset.key, e]));
  let before = container.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let element = known.get(key);
    known.delete(key);
    if (!element) {
      element = create(item);
      element.dataset.key = key;
    }
    if (element === before) before = before.nextElementSibling;
    else container.insertBefore(element, before);
    update?.(element, item);
  }
  for (const gone of known.values()) gone.remove();
}
