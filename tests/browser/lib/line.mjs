// A line between a page and the server that can be cut, for browsers that cannot be told to be offline.
import net from 'node:net';

/** The same stack, as it is reached by the line; `cut` closes and refuses every connection by it until `mend`. */
export async function throughLine(stack, owns) {
  const open = new Set();
  const server = net.createServer((near) => {
    const far = net.connect(stack.port, '127.0.0.1');
    for (const [a, b] of [[near, far], [far, near]]) {
      open.add(a);
      a.on('error', () => b.destroy()).on('close', () => { open.delete(a); b.destroy(); }).pipe(b);
    }
  });
  const listen = (port) => new Promise((done, failed) => server.once('error', failed).listen(port, '127.0.0.1', done));
  await listen(0);
  const { port } = server.address();
  const cut = () => {
    if (server.listening) server.close();
    for (const each of open) each.destroy();
  };
  owns({ remove: cut });
  return { outside: Object.create(stack, { url: { value: `https://localhost:${port}` } }), cut, mend: () => listen(port) };
}
