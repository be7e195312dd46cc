// Functions that several parts of the page use.

export const byId = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

class AccessDenied extends Error {}

export async function get(address, options) {
  const response = await fetch(address, options);
  if (response.status === 403) throw new AccessDenied(await response.text());
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response;
}

// The reason why `get` failed, for the user.
export const failureText = (failure) => (failure instanceof AccessDenied ? failure.message : "The preview does not answer. Look at its terminal.");

// Changes the entries of a list. An entry that stays, by its `data-key` or else by its place, is changed in place:
// focus, selected text and a click that has begun outlast the change.
export function refill(list, ...entries) {
  const stays = new Map([...list.childNodes].map((node, place) => [keyOf(node, place), node]));
  const nodes = entries.map((entry, place) => {
    const key = keyOf(entry, place);
    const node = updated(stays.get(key), entry);
    stays.delete(key);
    return node;
  });
  const kept = new Set(nodes);
  for (const node of [...list.childNodes]) if (!kept.has(node)) node.remove();
  nodes.forEach((node, place) => node === list.childNodes[place] || list.insertBefore(node, list.childNodes[place] ?? null));
}

const keyOf = (node, place) => node.dataset?.key ?? place;

// Returns `old` with the attributes and the content of `node`, or `node` if they are different elements.
function updated(old, node) {
  if (old?.nodeName !== node.nodeName) return node;
  if (node.nodeType === Node.TEXT_NODE) {
    if (old.data !== node.data) old.data = node.data;
    return old;
  }
  for (const { name } of [...old.attributes]) if (!node.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of node.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  old.onclick = node.onclick;
  refill(old, ...node.childNodes);
  return old;
}

// Text with code elements for the parts in backticks, such as "add `link:`".
function withCode(text) {
  return text.split(/`([^`\n]+)`/).map((piece, index) => (index % 2 ? make("code", { textContent: piece }) : piece));
}

// A problem as an entry of a list; a click on it calls `go` with the problem and its button, if there is one.
export function problemEntry(problem, go) {
  const parts = [
    make("span", { className: "severity", textContent: `${problem.severity}${problem.check ? `: ${problem.check}` : ""}` }),
    make("span", { className: "what" }, ...withCode(problem.what)),
    make("span", { className: "fix" }, ...withCode(problem.fix)),
    make("span", { className: "where", textContent: problem.where }),
  ];
  const entry = make("li", { className: problem.severity });
  entry.dataset.key = JSON.stringify([problem.check, problem.where, problem.what]);
  if (go) {
    const onclick = (event) => go(problem, event.currentTarget);
    entry.append(make("button", { className: "go", type: "button", onclick }, ...parts.slice(1)));
  } else entry.append(...parts.slice(1));
  entry.prepend(parts[0]);
  if (problem.details.length) entry.append(make("pre", { textContent: problem.details.join("\n") }));
  if (problem.excerpt.length) entry.append(excerpt(problem));
  return entry;
}

function excerpt(problem) {
  const lines = problem.excerpt.map(([number, text]) =>
    make("span", { className: number === problem.line ? "hit" : "" }, make("i", { textContent: number }), text || " "),
  );
  return make("div", { className: "excerpt" }, ...lines);
}

export function headerList(headers) {
  const pairs = headers.flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", { textContent: value })]);
  return make("dl", { className: "headers" }, ...pairs);
}
