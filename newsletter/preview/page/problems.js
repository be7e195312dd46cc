// The right side: what the mail weighs, what checks found in it, and its links.

import { byId, get, make, problemEntry, refill, whyNot } from "/parts.js";
import { mailAddress, told } from "/state.js";
import { reveal } from "/mail.js";

const kilobytes = (bytes) => (bytes / 1000).toFixed(1);

export function showWeight({ weight, most }) {
  byId("meter").value = weight / 1000;
  byId("meter").max = most / 1000;
  byId("weight").textContent = `${kilobytes(weight)} of the ${most / 1000} KB that Gmail shows`;
}

export function showUnchecked(words) {
  goneTo = -1;
  byId("problems").replaceChildren(make("p", { className: "soft", textContent: words }));
  byId("count").textContent = "";
}

let goneTo = -1; // which problem was gone to last
const goers = () => [...document.querySelectorAll("#problems .go")];

// `toMail` brings the mail before the reader's eyes, and is done when it is there.
export function showChecked({ groups, heaviest }, toMail) {
  const key = document.querySelector("#problems .chosen .go")?.dataset.key;
  const goTo = (problem, entry) => showPlace(problem, entry, toMail);
  const listed = groups.flatMap((group) => [
    make("h3", { textContent: group.heading }),
    make("ol", { className: "problems" }, ...group.problems.map((problem) => problemEntry(problem, goTo))),
  ]);
  if (!listed.length) listed.push(make("p", { className: "soft", textContent: "No problems found." }));
  refill(byId("problems"), ...listed);
  keepPlace(key);
  byId("count").textContent = groups.flatMap((group) => group.problems).filter((one) => one.severity !== "note").length || "";
  byId("heaviest").replaceChildren(
    ...heaviest.map(([name, bytes]) => make("li", {}, make("span", { textContent: name }), make("span", { textContent: `${kilobytes(bytes)} KB` }))),
  );
}

// Of the problem that was gone to, the lines stay open; where it has been mended, the one behind it comes next.
function keepPlace(key) {
  const button = goers().find((one) => one.dataset.key === key);
  if (button) mark(button);
  else goneTo = Math.max(goneTo - 1, -1);
}

function mark(button) {
  for (const other of document.querySelectorAll("#problems .chosen")) other.classList.remove("chosen");
  button.closest("li").classList.add("chosen");
  goneTo = goers().indexOf(button);
}

async function showPlace(problem, entry, toMail) {
  mark(entry.querySelector(".go"));
  await toMail();
  const place = await (await get(mailAddress("/place", { where: problem.where }))).json();
  if (place) reveal(place);
}

export function nextProblem() {
  const all = goers();
  if (!all.length) return;
  const next = all[(goneTo + 1) % all.length];
  next.scrollIntoView({ block: "nearest" });
  next.click();
}

// Answers stay when the mail is saved again: a word changed in it changes nothing about where its links lead.
let answers = {};

export async function showLinks() {
  if (!byId("links-box").open) return;
  const links = await (await get(mailAddress("/links"))).json();
  const entries = links.map((link) => {
    const entry = make("li", {}, make("a", { href: link.address, target: "_blank", rel: "noopener noreferrer", textContent: link.text }));
    entry.append(make("small", { textContent: link.where }));
    const answer = answers[link.address];
    if (answer) entry.append(make("span", { className: answer.severity, textContent: answer.said }));
    return entry;
  });
  byId("links").replaceChildren(...entries);
  byId("ask-links").disabled = !entries.length;
}

async function askLinks() {
  const said = byId("links-said");
  said.textContent = "Asking…";
  byId("ask-links").disabled = true;
  try {
    answers = { ...answers, ...(await (await get(mailAddress("/links"), { method: "POST" })).json()) };
    said.textContent = "";
  } catch (failure) {
    said.textContent = whyNot(failure);
  }
  byId("ask-links").disabled = false;
  if (told.page) await showLinks().catch(() => {});
}

export function wireLinks() {
  byId("links-box").ontoggle = () => showLinks().catch(() => {});
  byId("ask-links").onclick = askLinks;
}
