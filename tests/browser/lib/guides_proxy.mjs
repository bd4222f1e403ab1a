// A reverse proxy in front of the server that lets through what the guides' tables name ("Restricting Application URIs via the
// Reverse Proxy") and nothing else.
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';

/** The rows that Parley serves something for; `*` is all that lies below, a row without it that path alone. */
const kRows = [
  '/csdk-sample/*', '/gateway/csdk-sdk.js', '/gateway/csdk-aed.js', '/gateway/csdk-common.js', '/gateway/csdk-phone.js', '/gateway/adapter.js', '/gateway/aed/*',
  '/gateway/websocketcall', '/assistserver/session', '/assistserver/consumer', '/assistserver/shortcode', '/assistserver/img/*', '/assistserver/topic', '/assistserver/topic/*',
  '/assistserver/sdk/web/consumer/*', '/assistserver/sdk/web/shared/*', '/assistserver/sdk/web/agent/*', '/assistsample/*', '/expertassist/agent/*',
  '/expertassist/supervisor/*', '/expertassist/agent/token',
];
const allowed = (url) => {
  const asked = url.split('?')[0];
  return kRows.some((row) => (row.endsWith('/*') ? asked.startsWith(row.slice(0, -1)) : asked === row));
};

/** The same stack, as it is reached from outside; `refused` and `passed` fill with paths. */
export async function behindGuidesProxy(t) {
  const file = (name) => fs.readFileSync(path.join(t.stack.state, name));
  const refused = [], passed = new Set();
  const sockets = new Set();
  const onward = (ask) => ({ host: '127.0.0.1', port: t.stack.port, method: ask.method, path: ask.url, headers: ask.headers, rejectUnauthorized: false });
  const may = (ask) => {
    const good = allowed(ask.url);
    if (good) passed.add(ask.url.split('?')[0]);
    else if (ask.url !== '/favicon.ico') refused.push(ask.url);
    return good;
  };
  const server = https.createServer({ key: file('server.key'), cert: file('server.pem') }, (ask, answer) => {
    if (!may(ask)) return void answer.writeHead(403).end();
    const on = https.request(onward(ask), (got) => { answer.writeHead(got.statusCode, got.headers); got.pipe(answer); });
    on.on('error', () => answer.destroy());
    ask.pipe(on);
  });
  server.on('upgrade', (ask, socket, head) => {
    if (!may(ask)) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const on = https.request(onward(ask));
    on.on('upgrade', (got, far, rest) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${got.rawHeaders.map((h, i) => (i % 2 ? `${h}\r\n` : `${h}: `)).join('')}\r\n`);
      if (rest.length) socket.write(rest);
      if (head.length) far.write(head);
      for (const [a, b] of [[socket, far], [far, socket]]) {
        sockets.add(a);
        a.on('error', () => b.destroy()).on('close', () => b.destroy()).pipe(b);
      }
    });
    on.on('response', (got) => socket.end(`HTTP/1.1 ${got.statusCode} Refused\r\n\r\n`)).on('error', () => socket.destroy()).end();
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.owns({ remove: () => { for (const each of sockets) each.destroy(); server.closeAllConnections(); server.close(); } });
  const outside = Object.create(t.stack, { url: { value: `https://localhost:${server.address().port}` } });
  return { outside, refused, passed };
}
