// The outbox: a list of messages, and one message with its parts, headers and source.

import { byId, get, headerList, make, refill, failureText } from "/parts.js";
import { loaded } from "/mail.js";

let open = null;

export async function showOutbox() {
  const response = await get("/outbox").catch((failure) => failure);
  if (response instanceof Error) {
    byId("messages").replaceChildren(make("p", { className: "soft", textContent: failureText(response) }));
    byId("message").replaceChildren();
    return;
  }
  const { number, messages, said } = await response.json();
  const entries = messages.map((message) => {
    const when = new Date(message.at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    const button = make("button", { type: "button", onclick: () => openMessage(message.name) }, message.to || "no recipient");
    button.append(make("small", { textContent: message.subject }), make("small", { textContent: `${when}, ${(message.size / 1000).toFixed(0)} KB` }));
    button.setAttribute("aria-pressed", String(message.name === open));
    button.dataset.key = message.name;
    return button;
  });
  const more = number - messages.length;
  if (more > 0) entries.push(make("p", { className: "soft", textContent: `and ${more.toLocaleString()} older` }));
  if (!number) entries.push(make("p", { className: "soft", textContent: said ?? "The outbox is empty. Test messages and news send --provider outbox write into it." }));
  refill(byId("messages"), ...entries);
  if (!messages.some((message) => message.name === open)) {
    open = null;
    if (messages.length) await openMessage(messages[0].name);
    else byId("message").replaceChildren();
  }
}

async function openMessage(name) {
  open = name;
  for (const button of byId("messages").querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.key === name));
  const address = `/outbox/${encodeURIComponent(name)}`;
  const message = await (await get(address)).json();
  if (open !== name) return; // another message was opened meanwhile
  const body = make("div", { className: "body sheet", tabIndex: 0 });
  const plain = (text) => () => body.replaceChildren(make("pre", { textContent: text }));
  const views = {
    Mail: async () => {
      body.replaceChildren();
      const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      (await loaded(body, `${address}/mail.html?scheme=${dark}`, "The message")).classList.remove("loading");
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
  byId("message").replaceChildren(make("div", { className: "tools" }, choice), body);
  await views.Mail();
}
