// Send the same mail with nodemailer's pool; print the seconds.
//   node peer_nodemailer.js letter.json MESSAGES PORT CONNECTIONS
'use strict';
const fs = require('fs');
const nodemailer = require('nodemailer');

const [file, messages, port, connections] = process.argv.slice(2);
const letter = JSON.parse(fs.readFileSync(file, 'utf8'));
const pool = nodemailer.createTransport({
  pool: true,
  host: '127.0.0.1',
  port: Number(port),
  secure: false,
  ignoreTLS: true,
  maxConnections: Number(connections),
  maxMessages: Infinity,
});

function message(number) {
  const token = `${number}.${number.toString(16).padStart(32, '0')}`;
  const link = letter.unsubscribe_url.replace('{token}', token);
  const headers = { 'List-Id': `<${letter.list_id}>` };
  for (const [name, value] of Object.entries(letter.headers)) headers[name] = value.replaceAll('{token}', token);
  return {
    from: { name: letter.sender[0], address: letter.sender[1] },
    to: { name: `Reader ${number}`, address: `reader${number}@example.com` },
    replyTo: letter.reply_to,
    subject: letter.subject,
    messageId: `<2026-04-27.${number.toString(16).padStart(24, '0')}@example.com>`,
    headers,
    text: letter.text.replaceAll('[[unsubscribe_url]]', link),
    html: letter.html.replaceAll('[[unsubscribe_url]]', link),
  };
}

// Twice as many messages at the same time as connections, so that no connection waits for a message.
async function main() {
  let number = 0;
  const start = process.hrtime.bigint();
  await Promise.all(
    Array.from({ length: 2 * connections }, async () => {
      while (number < messages) await pool.sendMail(message(++number));
    }),
  );
  console.log(Number(process.hrtime.bigint() - start) / 1e9);
  pool.close();
}

main().catch((failure) => {
  console.error(failure);
  process.exit(1);
});
