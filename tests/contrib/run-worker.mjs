// Serve a worker on loopback: node run-worker.mjs WORKER. D1 is a SQLite database of the test, asked over HTTP.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";

const source = await readFile(process.argv[2]);
const worker = (await import(`data:text/javascript;base64,${source.toString("base64")}`)).default;

async function query(sql, parameters) {
  const response = await fetch(process.env.DATABASE, { method: "POST", body: JSON.stringify({ sql, parameters }) });
  if (!response.ok) throw new Error("D1_ERROR");
  return { success: true, results: await response.json() };
}

const statement = (sql, parameters = []) => ({
  bind: (...values) => statement(sql, values),
  all: () => query(sql, parameters),
  run: () => query(sql, parameters),
});
const env = { DB: { prepare: statement }, WORKER_TOKEN: process.env.WORKER_TOKEN };

const server = createServer(async (incoming, outgoing) => {
  const parts = [];
  for await (const part of incoming) parts.push(part);
  const { method, headers } = incoming;
  const body = ["GET", "HEAD"].includes(method) ? undefined : Buffer.concat(parts);
  const request = new Request(`http://${headers.host}${incoming.url}`, { method, headers, body });
  // Cloudflare answers for a worker that throws an error.
  const response = await Promise.resolve(worker.fetch(request, env)).catch(() => new Response("", { status: 500 }));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
