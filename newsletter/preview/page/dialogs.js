// The two questions that the page asks: as whom the mail is seen, and where a test goes.

import { byId, get, make, whyNot } from "/parts.js";
import { chosen, mailAddress } from "/state.js";

export function wireReader(choose) {
  byId("open-reader").onclick = () => {
    byId("as-name").value = chosen.name;
    byId("as-address").value = chosen.address;
    byId("reader-box").showModal();
    lookFor(byId("like").value, choose);
  };
  byId("like").oninput = (event) => lookFor(event.target.value, choose);
  byId("reader-form").onsubmit = (event) => {
    const nobody = event.submitter?.value === "nobody";
    const name = nobody ? "" : byId("as-name").value;
    choose({ name, address: nobody ? "" : byId("as-address").value || (name && "reader@example.com") });
  };
}

let looking = 0;
async function lookFor(words, choose) {
  const turn = ++looking;
  const { found = [], said } = await get(`/subscribers?like=${encodeURIComponent(words)}`)
    .then((answer) => answer.json())
    .catch((failure) => ({ said: whyNot(failure) }));
  if (turn !== looking) return;
  const entries = found.map((one) => {
    const pick = () => {
      choose(one);
      byId("reader-box").close();
    };
    return make("li", {}, make("button", { type: "button", onclick: pick, textContent: one.name ? `${one.name} <${one.address}>` : one.address }));
  });
  byId("found").replaceChildren(...entries);
  byId("found-said").textContent = said ?? (entries.length ? "" : words ? "Nobody on the list matches." : "Nobody is on the list yet.");
}

export function wireTest() {
  byId("open-test").onclick = () => {
    byId("test-said").textContent = "";
    byId("test-box").showModal();
  };
  byId("test-form").onsubmit = (event) => {
    if (event.submitter?.value !== "send") return;
    event.preventDefault();
    sendTest();
  };
}

async function sendTest() {
  const said = byId("test-said");
  byId("test-send").disabled = true;
  said.className = "";
  said.textContent = "Sending…";
  try {
    const body = JSON.stringify({ address: byId("test-address").value, provider: byId("test-provider").value });
    const answer = await (await get(mailAddress("/test"), { method: "POST", body })).json();
    said.className = answer.ok ? "good" : "bad";
    said.textContent = answer.said;
  } catch (failure) {
    said.className = "bad";
    said.textContent = whyNot(failure);
  }
  byId("test-send").disabled = false;
}
