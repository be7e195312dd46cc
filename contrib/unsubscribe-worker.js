// A page for unsubscribe links at the edge (Cloudflare Workers with D1), with one click (RFC 8058). It stores the
// tokens of links and nothing else: no key, no address. `news unsubscribes pull` verifies and deletes them.
const TOKEN = /^(2\.)?[1-9]\d{0,18}\.[0-9a-f]{32}$/i, HTML = "text/html; charset=utf-8";
const INSERT = "INSERT OR REPLACE INTO leave (token, at) VALUES (?, ?)"; // a new id, also for a token that is known
const LIST = "SELECT id, token, at FROM leave WHERE id > ? ORDER BY id LIMIT 500", REMOVE = "DELETE FROM leave WHERE id <= ?";
const digest = async (text) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).join();
const reply = (body, status = 200, type = HTML) =>
  new Response(body, { status, headers: { "Content-Type": type, "Cache-Control": "no-store", "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'; form-action 'self'" } });
const page = (title, more = "", status = 200) => reply(`<!doctype html><html lang="en"><title>${title}</title>
<meta name="viewport" content="width=device-width"><h1>${title}</h1>${more}</html>`, status);

async function list(request, url, env) {
  const expected = await digest(`Bearer ${env.WORKER_TOKEN}`), given = request.headers.get("Authorization") ?? "";
  if (!env.WORKER_TOKEN || await digest(given) !== expected) return reply("", 401);
  const number = (name) => Number(url.searchParams.get(name)) || 0;
  if (request.method === "DELETE") await env.DB.prepare(REMOVE).bind(number("upto")).run();
  else if (request.method !== "GET") return reply("", 405);
  const { results } = await env.DB.prepare(LIST).bind(number("after")).all();
  return reply(JSON.stringify(results), 200, "application/json");
}

async function leave(request, token, env) {
  const isTest = token === "test"; // the token of `news doctor` and of test messages
  if (!isTest && !TOKEN.test(token)) return page("This link is not complete", "<p>Copy all of it from the mail.", 404);
  if (["GET", "HEAD"].includes(request.method))
    return page("Unsubscribe?", '<form method="post"><button>Unsubscribe</button></form>');
  if (request.method !== "POST") return reply("", 405);
  const row = [token.toLowerCase(), Math.floor(Date.now() / 1000)];
  try { if (!isTest) await env.DB.prepare(INSERT).bind(...row).run(); }
  catch { return page("Please try again in a minute", "", 503); }
  return page("You are unsubscribed", "<p>No further issue comes to you.");
}

export default {
  fetch(request, env) {
    const url = new URL(request.url);
    return url.pathname === "/" ? list(request, url, env) : leave(request, url.pathname.split("/").pop(), env);
  },
};
