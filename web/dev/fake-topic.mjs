// An assist server with one agent for pictures of the consumer's side, inside the browser test itself: Playwright gives the
// page's requests and its WebSocket to this class. It speaks docs/protocols/topic.md as far as a consumer hears it.

const kAnna = { party: 'p2', role: 'agent', name: 'Anna Weber', color: '#0b6e4f', state: 'joined' };
const kBen = { party: 'p3', role: 'agent', name: 'Ben Okoro', color: '#8a3ffc', state: 'joined' };
const kState = {
  cid: 'demo', consumer: { present: true, name: 'Ada' }, parties: [], sharing: 'off', consent: false, control: 'none',
  view: { w: 1280, h: 800, scale: 1, title: '' }, fidelity: 'painter', unsupported: [], document: null,
};
/** In place of pictures: the overlay is what is looked at here. */
const kSharer = `(globalThis.Parley ??= {}).createSharer = async (host) => ({
  start() {}, hold() {}, stop() {}, refresh() {}, quality() {}, allow() {}, release() {}, pace() {}, act: (a) => host.activity({ type: 'activity', party: a.party, what: 'fill', target: 'Street and number' }), annotate() {},
  masked: () => [...document.querySelectorAll('input[type=password], [data-parley-mask]')].map((e) => {
    const { x, y, width: w, height: h } = e.getBoundingClientRect();
    return { x, y, w, h, label: '' };
  }),
});`;

export class FakeTopic {
  static async on(page, { sharer = true } = {}) {
    const topic = new FakeTopic();
    topic.sockets = [];
    topic.refuse = false;
    topic.got = [];
    topic.state = { ...kState };
    await page.route('**/assistserver/session', (route) => route.fulfill({ status: 201, json: { token: 't', assist: { token: 'a', cid: 'demo', webSocket: '/assistserver/topic' } } }));
    await page.route('**/assistserver/shortcode/create', (route) => route.fulfill({ status: 201, json: { shortCode: '482913', cid: 'demo', expiresIn: 300 } }));
    if (sharer) await page.route('**/shared/sharing.js', (route) => route.fulfill({ contentType: 'text/javascript', body: kSharer }));
    await page.route('**/assistserver/img/content/*', (route) => route.fulfill({ contentType: 'application/pdf', body: samplePdf(12) }));
    await page.routeWebSocket('**/assistserver/topic', (socket) => topic.opened(socket));
    return topic;
  }

  opened(socket) {
    if (this.refuse) return void socket.close({ code: 1011 });
    this.sockets.push(socket);
    this.seq = 0;
    socket.onMessage((data) => {
      if (typeof data !== 'string') return this.binary?.(data);
      const message = JSON.parse(data);
      this.got.push(message);
      if (message.type === 'hello') {
        this.seq = message.resume?.ack ?? 0;
        const settings = { features: ['view', 'pointer', 'control', 'forms', 'annotate', 'capture'], imageScale: 1, maxFrameBytes: 1048576, maskDefault: 'marked', maskSelectors: [] };
        return socket.send(JSON.stringify({ type: 'welcome', version: 1, party: 'p1', key: 'k', resumed: !!message.resume, role: 'consumer', ack: 0, session: this.state, settings }));
      }
      if (message.seq) socket.send(JSON.stringify({ type: 'ack', ack: message.seq }));
      if (message.type === 'share') this.session({ sharing: message.state });
      if (message.type === 'control') this.session({ control: 'none' });
      if (message.type === 'end') this.send({ type: 'ended', reason: 'consumer_ended', text: 'Sharing has ended. Nobody sees this page any more.' });
      if (message.type === 'consent' && message.party) this.session({ parties: this.state.parties.filter((p) => p.party !== message.party) });
      if (message.type === 'consent' && message.grant) this.session({ consent: true, parties: this.state.parties.map((p) => ({ ...p, state: 'joined' })), control: this.asked === 'control' ? 'p2' : 'none' });
    });
  }

  send(message) {
    this.sockets.at(-1).send(JSON.stringify({ ...message, seq: ++this.seq }));
  }
  session(change) {
    this.state = { ...this.state, ...change };
    this.send({ type: 'session', ...this.state });
  }
  ask(what = 'view') {
    this.asked = what;
    if (what === 'view') this.session({ parties: [{ ...kAnna, state: 'asking' }] });
    this.send({ type: 'consent-request', id: `q-${what}`, party: 'p2', name: kAnna.name, what });
  }
  secondAgent() {
    this.session({ parties: [...this.state.parties, kBen] });
  }
  push(kind, id, src, name) {
    this.send({ type: 'push', id, kind, src, name, party: 'p2' });
  }
}

/** A PDF of so many pages with a line of text each, in a font of the document's reader. */
export function samplePdf(pages) {
  const objects = ['<< /Type /Catalog /Pages 2 0 R >>', `<< /Type /Pages /Count ${pages} /Kids [${Array.from({ length: pages }, (_, i) => `${4 + 2 * i} 0 R`).join(' ')}] >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>'];
  for (let i = 1; i <= pages; i++) {
    const text = `BT /F1 30 Tf 60 740 Td (Home insurance: your offer) Tj 0 -44 Td /F1 16 Tf (Page ${i} of ${pages}. What is covered, and from when on.) Tj ET 60 660 200 2 re f`;
    objects.push(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents ${3 + 2 * i} 0 R >>`);
    objects.push(`<< /Length ${text.length} >>\nstream\n${text}\nendstream`);
  }
  let out = '%PDF-1.4\n';
  const at = objects.map((body, i) => {
    const offset = out.length;
    out += `${i + 1} 0 obj\n${body}\nendobj\n`;
    return offset;
  });
  const start = out.length;
  out += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${at.map((o) => `${String(o).padStart(10, '0')} 00000 n \n`).join('')}`;
  return Buffer.from(`${out}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`, 'latin1');
}
