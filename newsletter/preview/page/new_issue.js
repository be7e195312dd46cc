// The dialog that starts a new issue.

import { byId, get, failureText } from "/parts.js";

// `pick` shows an issue by its name.
export function wireNewIssue(pick) {
  byId("open-new").onclick = openDialog;
  byId("new-form").onsubmit = (event) => {
    if (event.submitter?.value === "close") return;
    event.preventDefault();
    create(pick);
  };
}

export async function openDialog() {
  showStatus("", "");
  byId("new-date").value = "";
  byId("new-dialog").showModal();
  try {
    const { date } = await (await get("/issues")).json();
    byId("new-date").value ||= date;
  } catch (failure) {
    showStatus("bad", failureText(failure));
  }
}

async function create(pick) {
  byId("new-create").disabled = true;
  showStatus("", "Writing…");
  try {
    const body = JSON.stringify({ date: byId("new-date").value });
    const { ok, said, issue } = await (await get("/issues", { method: "POST", body })).json();
    showStatus(ok ? "good" : "bad", said);
    if (ok) {
      byId("new-dialog").close();
      pick(issue);
    }
  } catch (failure) {
    showStatus("bad", failureText(failure));
  }
  byId("new-create").disabled = false;
}

function showStatus(kind, text) {
  byId("new-status").className = `status ${kind}`;
  byId("new-status").textContent = text;
}
