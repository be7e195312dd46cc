// The panel on the right: the mail's size, its problems, and its links.

import { byId, get, make, problemEntry, refill, failureText } from "/parts.js";
import { mailAddress, received } from "/state.js";
import { reveal } from "/mail.js";

const kilobytes = (bytes) => (bytes / 1000).toFixed(1);

export function showWeight({ weight, most }) {
  byId("meter").value = weight / 1000;
  byId("meter").max = most / 1000;
  byId("weight").textContent = `${kilobytes(weight)} of the ${most / 1000} KB that Gmail shows`;
}

export function showUnchecked(text) {
  current = -1;
  byId("problems").replaceChildren(make("p", { className: "soft", textContent: text }));
  byId("count").textContent = "";
}

let current = -1; // the number of the selected problem
const problemButtons = () => [...document.querySelectorAll("#problems .go")];

// `toMail` shows the mail, and resolves when it is loaded.
export function showChecked({ groups, heaviest }, toMail) {
  const key = document.querySelector("#problems .chosen")?.dataset.key;
  const goTo = (problem, button) => showPlace(problem, button, toMail);
  const listed = groups.flatMap((group) => [
    make("h3", { textContent: group.heading }),
    make("ol", { className: "problems" }, ...group.problems.map((problem) => problemEntry(problem, goTo))),
  ]);
  if (!listed.length) listed.push(make("p", { className: "soft", textContent: "No problems found." }));
  refill(byId("problems"), ...listed);
  keepSelection(key);
  byId("count").textContent = groups.flatMap((group) => group.problems).filter((problem) => problem.severity !== "note").length || "";
  refill(
    byId("heaviest"),
    ...heaviest.map(([name, bytes]) => make("li", {}, make("span", { textContent: name }), make("span", { textContent: `${kilobytes(bytes)} KB` }))),
  );
}

// The selected problem stays selected; if it was corrected, the next key goes to the problem behind it.
function keepSelection(key) {
  const button = problemButtons().find((candidate) => candidate.closest("li").dataset.key === key);
  if (button) mark(button);
  else current = Math.max(current - 1, -1);
}

function mark(button) {
  for (const other of document.querySelectorAll("#problems .chosen")) other.classList.remove("chosen");
  button.closest("li").classList.add("chosen");
  current = problemButtons().indexOf(button);
}

async function showPlace(problem, button, toMail) {
  mark(button);
  await toMail();
  const place = await (await get(mailAddress("/place", { where: problem.where }))).json();
  if (place) reveal(place);
}

export function nextProblem() {
  const all = problemButtons();
  if (!all.length) return;
  const next = all[(current + 1) % all.length];
  next.scrollIntoView({ block: "nearest" });
  next.click();
}

// Results stay when the mail is saved again: its links usually stay the same.
let results = {};

export async function showLinks() {
  if (!byId("links-details").open) return;
  const links = await (await get(mailAddress("/links"))).json();
  const entries = links.map((link) => {
    const isHarmless = /^(https?|mailto):/i.test(link.address); // a template may hold other addresses, such as javascript:
    const properties = isHarmless ? { href: link.address, target: "_blank", rel: "noopener noreferrer" } : {};
    const entry = make("li", {}, make("a", { ...properties, textContent: link.text }));
    entry.append(make("small", { textContent: link.where }));
    const result = results[link.address];
    if (result) entry.append(make("span", { className: result.severity, textContent: result.said }));
    return entry;
  });
  refill(byId("links"), ...entries);
  byId("check-links").disabled = !entries.length;
}

async function checkLinks() {
  const status = byId("links-status");
  status.textContent = "Checking…";
  byId("check-links").disabled = true;
  try {
    results = { ...results, ...(await (await get(mailAddress("/links"), { method: "POST" })).json()) };
    status.textContent = "";
  } catch (failure) {
    status.textContent = failureText(failure);
  }
  byId("check-links").disabled = false;
  if (received.page) await showLinks().catch(() => {});
}

export function wireLinks() {
  byId("links-details").ontoggle = () => showLinks().catch(() => {});
  byId("check-links").onclick = checkLinks;
}
