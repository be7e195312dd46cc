// What was "sent" into the outbox: a list, and the message that is opened with its parts, headers and source.

import { byId, get, headerList, make, refill, whyNot } from "/parts.js";
import { loaded } from "/mail.js";

let open = null;

export async function showOutbox() {
  const answer = await get("/outbox").catch((failure) => failure);
  if (answer instanceof Error) {
    byId("caught").replaceChildren(make("p", { className: "soft", textContent: whyNot(answer) }));
    byId("opened").replaceChildren();
    return;
  }
  const { number, messages } = await answer.json();
  const entries = messages.map((one) => {
    const when = new Date(one.at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    const button = make("button", { type: "button", onclick: () => openMessage(one.name) }, one.to || "nobody");
    button.append(make("small", { textContent: one.subject }), make("small", { textContent: `${when}, ${(one.size / 1000).toFixed(0)} KB` }));
    button.setAttribute("aria-pressed", String(one.name === open));
    button.dataset.key = one.name;
    return button;
  });
  const more = number - messages.length;
  if (more > 0) entries.push(make("p", { className: "soft", textContent: `and ${more.toLocaleString()} older` }));
  if (!number) entries.push(make("p", { className: "soft", textContent: "Nothing was sent into the outbox yet. A test goes there, and so does news send --provider outbox." }));
  refill(byId("caught"), ...entries);
  if (!messages.some((one) => one.name === open)) {
    open = null;
    if (messages.length) await openMessage(messages[0].name);
    else byId("opened").replaceChildren();
  }
}

async function openMessage(name) {
  open = name;
  for (const button of byId("caught").querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.key === name));
  const address = `/outbox/${encodeURIComponent(name)}`;
  const message = await (await get(address)).json();
  if (open !== name) return; // another one was opened while this one came
  const body = make("div", { className: "body sheet", tabIndex: 0 });
  const plain = (text) => () => body.replaceChildren(make("pre", { textContent: text }));
  const views = {
    Mail: async () => {
      body.replaceChildren();
      const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      (await loaded(body, `${address}/mail.html?scheme=${dark}`, "The message")).classList.remove("coming");
    },
    Text: plain(message.text),
    Headers: () => body.replaceChildren(headerList(message.headers)),
    Source: plain(message.source),
  };
  const choice = make("fieldset", { className: "choice" }, make("legend", { textContent: "Part of the message" }));
  for (const [label, show] of Object.entries(views)) {
    const input = make("input", { type: "radio", name: "part", onchange: show, checked: label === "Mail" });
    choice.append(make("label", {}, input, make("span", { textContent: label })));
  }
  body.setAttribute("role", "group");
  body.setAttribute("aria-label", "The message");
  byId("opened").replaceChildren(make("div", { className: "tools" }, choice), body);
  await views.Mail();
}
