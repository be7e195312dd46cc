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

// Replaces the entries of a list. The entry with the focused entry's `data-key` gets the focus.
export function refill(list, ...entries) {
  const key = list.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  list.replaceChildren(...entries);
  if (key !== undefined) [...list.querySelectorAll("[data-key]")].find((element) => element.dataset.key === key)?.focus({ preventScroll: true });
}

// Text with code elements for the parts in backticks, such as "add `link:`".
function withCode(text) {
  return text.split(/`([^`\n]+)`/).map((piece, index) => (index % 2 ? make("code", { textContent: piece }) : piece));
}

// A problem as an entry of a list; a click on it calls `go`, if there is one.
export function problemEntry(problem, go) {
  const parts = [
    make("span", { className: "severity", textContent: `${problem.severity}${problem.check ? `: ${problem.check}` : ""}` }),
    make("span", { className: "what" }, ...withCode(problem.what)),
    make("span", { className: "fix" }, ...withCode(problem.fix)),
    make("span", { className: "where", textContent: problem.where }),
  ];
  const entry = make("li", { className: problem.severity });
  if (go) {
    const button = make("button", { className: "go", type: "button", onclick: () => go(problem, entry) }, ...parts.slice(1));
    button.dataset.key = JSON.stringify([problem.check, problem.where, problem.what]);
    entry.append(button);
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
