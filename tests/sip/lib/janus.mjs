// Janus with its SIP plugin as a telephone: towards SIP it is one (sofia-sip), its person sits in a browser and speaks
// WebRTC with it. The browser's side is a bare page that plays a tone and shows in `remote-video` what it hears.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { secretOf } from './kamailio.mjs';
import { Program } from './program.mjs';

export class Janus {
  static async start(scratch, peer, { user, registrar, page, tone = 800 }) {
    const janus = new Janus();
    const folder = path.join(scratch, `janus-${user}`);
    fs.mkdirSync(folder, { recursive: true });
    Object.assign(janus, { peer, user, tone, page });
    fs.writeFileSync(path.join(folder, 'janus.jcfg'), `general: {
  debug_level = 4
  server_name = "test"
}
nat: {
  ice_enforce_list = "eth0"
  ignore_mdns = false
}
plugins: { disable = "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_videoroom.so,libjanus_voicemail.so" }
transports: { disable = "libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so" }
`);
    fs.writeFileSync(path.join(folder, 'janus.transport.websockets.jcfg'), `general: {\n  ws = true\n  ws_port = 8188\n  ws_ip = "${peer.address}"\n}\n`);
    fs.writeFileSync(path.join(folder, 'janus.plugin.sip.jcfg'), `general: {\n  local_ip = "${peer.address}"\n  user_agent = "Janus"\n}\n`);
    janus.program = new Program(folder, peer, 'janus', ['-F', folder, '-C', path.join(folder, 'janus.jcfg')], { cwd: folder });
    await janus.program.prints(/Websockets server started/);
    // From an address of the same network: Chromium lets nobody else's page in there.
    janus.server = http.createServer((_, answer) => answer.end('<!doctype html><title>Janus</title>'));
    await new Promise((done) => janus.server.listen(0, registrar.peer.lan.host, done));
    await page.goto(`http://${registrar.peer.lan.host}:${janus.server.address().port}/`);
    await page.evaluate(person, `ws://${peer.address}:8188`, { user, domain: registrar.domain, proxy: registrar.address, secret: secretOf(user), tone });
    await registrar.registered(user);
    return janus;
  }
  hangUp() { return this.page.evaluate(() => window.janusHangUp()); }
  async stop() {
    this.server?.closeAllConnections();
    this.server?.close();
    await this.program.stop();
  }
}

/** In the page: registers, and answers whoever calls. */
function person(url, { user, domain, proxy, secret, tone }) {
  const socket = new WebSocket(url, 'janus-protocol'), waiting = new Map();
  let count = 0, session, handle, peer;
  window.janusEvents = [];
  const send = (message) => new Promise((done) => {
    const transaction = `t${++count}`;
    waiting.set(transaction, done);
    socket.send(JSON.stringify({ ...message, transaction, ...(session ? { session_id: session } : {}), ...(handle ? { handle_id: handle } : {}) }));
  });
  const answer = async (offer) => {
    const context = new AudioContext(), oscillator = new OscillatorNode(context, { frequency: tone }), out = context.createMediaStreamDestination();
    oscillator.connect(new GainNode(context, { gain: 0.3 })).connect(out);
    oscillator.start();
    await context.resume();
    peer = new RTCPeerConnection();
    peer.ontrack = ({ streams }) => {
      const video = Object.assign(document.createElement('video'), { autoplay: true, srcObject: streams[0] });
      video.dataset.test = 'remote-video';
      document.body.append(video);
    };
    await peer.setRemoteDescription(offer);
    peer.addTrack(out.stream.getAudioTracks()[0], out.stream);
    await peer.setLocalDescription();
    await new Promise((done) => { const look = () => (peer.iceGatheringState === 'complete' ? done() : setTimeout(look, 50)); look(); });
    await send({ janus: 'message', body: { request: 'accept' }, jsep: peer.localDescription.toJSON() });
  };
  window.janusHangUp = () => void send({ janus: 'message', body: { request: 'hangup' } });
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data), result = message.plugindata?.data?.result;
    if (result) window.janusEvents.push(result.event);
    if (result?.event === 'incomingcall') void answer(message.jsep);
    if (message.janus !== 'ack') waiting.get(message.transaction)?.(message);
  };
  socket.onopen = async () => {
    session = (await send({ janus: 'create' })).data.id;
    handle = (await send({ janus: 'attach', plugin: 'janus.plugin.sip' })).data.id;
    setInterval(() => { const keep = { janus: 'keepalive', transaction: 'k', session_id: session }; socket.send(JSON.stringify(keep)); }, 20000);
    void send({ janus: 'message', body: { request: 'register', username: `sip:${user}@${domain}`, authuser: user, secret, proxy: `sip:${proxy}` } });
  };
}
