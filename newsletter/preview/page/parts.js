// Small pieces that several parts of the page are made of.

export const byId = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

class Refused extends Error {}

export async function get(address, options) {
  const answer = await fetch(address, options);
  if (answer.status === 403) throw new Refused(await answer.text());
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer;
}

// In words, why `get` failed.
export const whyNot = (failure) => (failure instanceof Refused ? failure.message : "The preview does not answer; look into its terminal.");

// Fills a list anew. What stands for the same, by its `data-key`, keeps the focus.
export function refill(list, ...entries) {
  const key = list.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  list.replaceChildren(...entries);
  if (key !== undefined) [...list.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key)?.focus({ preventScroll: true });
}

// "add `link:`" as text and code elements; what has no pair of backticks stays as it is.
function withCode(words) {
  return words.split(/`([^`\n]+)`/).map((piece, place) => (place % 2 ? make("code", { textContent: piece }) : piece));
}

// A problem as an entry of a list; `go` is called when it is clicked, where that leads somewhere.
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
