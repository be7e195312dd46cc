// The two dialogs: the reader of the mail, and the address of a test message.

import { byId, get, make, refill, failureText } from "/parts.js";
import { chosen, mailAddress } from "/state.js";

export function wireReader(choose) {
  byId("open-reader").onclick = () => {
    byId("as-name").value = chosen.name;
    byId("as-address").value = chosen.address;
    byId("reader-dialog").showModal();
    search(byId("search").value, choose);
  };
  byId("search").oninput = (event) => search(event.target.value, choose);
  byId("reader-form").onsubmit = (event) => {
    const isDefault = event.submitter?.value === "default";
    const name = isDefault ? "" : byId("as-name").value;
    choose({ name, address: isDefault ? "" : byId("as-address").value || (name && "reader@example.com") });
  };
}

let searches = 0;
async function search(words, choose) {
  const number = ++searches;
  const { found = [], said, note } = await get(`/subscribers?like=${encodeURIComponent(words)}`)
    .then((response) => response.json())
    .catch((failure) => ({ said: failureText(failure) }));
  if (number !== searches) return; // a newer search has started
  const entries = found.map((subscriber) => {
    const pick = () => {
      choose(subscriber);
      byId("reader-dialog").close();
    };
    const entry = make("li", {}, make("button", { type: "button", onclick: pick, textContent: subscriber.name ? `${subscriber.name} <${subscriber.address}>` : subscriber.address }));
    entry.dataset.key = subscriber.address;
    return entry;
  });
  refill(byId("matches"), ...entries);
  const result = said ?? (entries.length ? "" : words ? "No subscriber matches." : "The list is empty.");
  byId("matches-status").textContent = [result, note].filter(Boolean).join(" ");
}

export function wireTest() {
  byId("open-test").onclick = () => {
    byId("test-status").textContent = "";
    byId("test-dialog").showModal();
  };
  byId("test-form").onsubmit = (event) => {
    if (event.submitter?.value !== "send") return;
    event.preventDefault();
    sendTest();
  };
}

async function sendTest() {
  const status = byId("test-status");
  byId("test-send").disabled = true;
  status.className = "status";
  status.textContent = "Sending…";
  try {
    const body = JSON.stringify({ address: byId("test-address").value, provider: byId("test-provider").value });
    const outcome = await (await get(mailAddress("/test"), { method: "POST", body })).json();
    status.className = `status ${outcome.ok ? "good" : "bad"}`;
    status.textContent = outcome.said;
  } catch (failure) {
    status.className = "status bad";
    status.textContent = failureText(failure);
  }
  byId("test-send").disabled = false;
}
