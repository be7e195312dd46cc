// Keys: `keys` says of each what it does, in words and as a function.

import { byId, make } from "/parts.js";

let known = {};

export function wireKeys(keys) {
  known = keys;
  const entries = Object.entries(keys).flatMap(([key, [what]]) => [make("dt", {}, make("kbd", { textContent: key })), make("dd", { textContent: what })]);
  byId("key-list").replaceChildren(...entries);
  document.addEventListener("keydown", onKey);
}

export function onKey(event) {
  if (event.metaKey || event.ctrlKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest?.("input:not([type=radio], [type=checkbox]), select, textarea")) return;
  const action = known[event.key];
  if (!action) return;
  event.preventDefault();
  action[1]();
}
