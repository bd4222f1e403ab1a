// A network of its own for each test: a bridge on this machine, and a network namespace for each peer. The machine
// (and so Parley) has the address `host` in it. Everything that peers say to each other or to Parley crosses
// the bridge, where capture.mjs listens.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { Program } from './program.mjs';

const top = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../../..');
const shuffler = path.join(process.env.PARLEY_BUILD ?? path.join(top, 'build/release/src'), '../tests/sip-shuffling-link');

const run = (...command) => execFileSync(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
let count = 0;

/**
 * No IPv6 address that the kernel makes of the link's own: it is ready a second or two later, which is a change of network to
 * a browser that runs here, and it drops what it was loading (ERR_NETWORK_CHANGED).
 */
const noAddressOfItsOwn = (link) => run('ip', 'link', 'set', link, 'addrgenmode', 'none');

export class Peer {
  constructor(lan, number) {
    this.lan = lan;
    this.number = number;
    this.namespace = `${lan.id}p${number}`;
    this.address = `${lan.network}.${10 + number}`;
    this.link = `${lan.id}v${number}`;
    run('ip', 'netns', 'add', this.namespace);
    run('ip', 'link', 'add', this.link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.namespace);
    noAddressOfItsOwn(this.link);
    run('ip', 'link', 'set', this.link, 'master', lan.device, 'up');
    run('ip', '-n', this.namespace, 'addr', 'add', `${this.address}/24`, 'dev', 'eth0');
    run('ip', '-n', this.namespace, 'link', 'set', 'eth0', 'up');
    run('ip', '-n', this.namespace, 'link', 'set', 'lo', 'up');
    run('ip', '-n', this.namespace, 'route', 'add', 'default', 'via', lan.host);
  }
  /** Its IPv6 address; there is none before somebody asks. */
  v6() {
    if (!this.address6) {
      this.lan.v6();
      this.address6 = `${this.lan.prefix6}${10 + this.number}`;
      run('ip', '-n', this.namespace, 'addr', 'add', `${this.address6}/64`, 'dev', 'eth0', 'nodad');
    }
    return this.address6;
  }
  /** The command that runs another one at this peer. */
  get prefix() { return ['ip', 'netns', 'exec', this.namespace]; }
  rules(text) { execFileSync('ip', ['netns', 'exec', this.namespace, 'nft', '-f', '-'], { input: text }); }
  /**
   * Drops UDP packets of SIP by chance, each way; media is left alone. What comes from the peer is dropped at the other end of
   * its link: a local rule would tell the sender.
   */
  lose(percent) {
    const chance = `numgen random mod 100 < ${percent} counter drop;`;
    this.rules(`table inet loss {\n  chain in { type filter hook input priority 0; policy accept; meta l4proto udp udp dport 5060-5099 ${chance} }\n}\n`);
    execFileSync('nft', ['-f', '-'], { input: `table netdev ${this.link} {\n  chain out { type filter hook ingress device "${this.link}" priority 0; policy accept; meta l4proto udp udp sport 5060-5099 ${chance} }\n}\n` });
  }
  /** How many packets lose() took. */
  lost() {
    const text = run(...this.prefix, 'nft', 'list', 'table', 'inet', 'loss') + run('nft', 'list', 'table', 'netdev', this.link);
    return [...text.matchAll(/counter packets (\d+)/g)].reduce((sum, m) => sum + Number(m[1]), 0);
  }
  /**
   * Puts a program into its link that drops UDP packets of SIP by chance and lets later ones overtake others, each way. In a
   * namespace of its own, so that nothing of this machine answers on the link's ends.
   */
  async shuffle(folder, { lost, held, longestMs }) {
    const space = { prefix: ['ip', 'netns', 'exec', `${this.namespace}s`] }, inner = `${this.link}i`;
    run('ip', 'netns', 'add', `${this.namespace}s`);
    this.lan.spaces.push(`${this.namespace}s`);
    run('ip', 'link', 'add', `${this.link}o`, 'type', 'veth', 'peer', 'name', inner, 'netns', `${this.namespace}s`);
    run('ip', 'link', 'set', this.link, 'nomaster');
    run('ip', 'link', 'set', this.link, 'netns', `${this.namespace}s`);
    for (const link of [this.link, inner]) run('ip', '-n', `${this.namespace}s`, 'link', 'set', link, 'up');
    noAddressOfItsOwn(`${this.link}o`);
    run('ip', 'link', 'set', `${this.link}o`, 'master', this.lan.device, 'up');
    this.shuffling = new Program(folder, space, shuffler, [this.link, inner, lost, held, longestMs].map(String));
    await this.shuffling.prints(/joined/);
    return this.shuffling;
  }
  /** What shuffle() did so far. */
  shuffled() {
    const all = [...this.shuffling.output().matchAll(/^lost (\d+) overtaken (\d+)$/gm)];
    return { lost: Number(all.at(-1)?.[1] ?? 0), overtaken: Number(all.at(-1)?.[2] ?? 0) };
  }
  /** Off the network, as with its plug pulled. */
  cut() { this.rules('table inet cut {\n  chain in { type filter hook input priority 0; policy drop; }\n  chain out { type filter hook output priority 0; policy drop; }\n}\n'); }
  mend() { run(...this.prefix, 'nft', 'delete', 'table', 'inet', 'cut'); }
}

export class Lan {
  constructor() {
    this.id = `ps${process.pid % 100000}${String.fromCharCode(97 + count % 26)}`;
    this.network = `10.92.${(process.pid + 31 * count++) % 200 + 20}`;
    this.host = `${this.network}.1`;
    this.device = `${this.id}br`;
    this.peers = [];
    this.spaces = [];
    // An address of its own: else the bridge takes the lowest of its ports', so that a peer that joins may change it, and the
    // others send to the old one until their ARP entries are asked again, half a minute later.
    run('ip', 'link', 'add', this.device, 'address', '02:00:00:00:00:01', 'type', 'bridge');
    noAddressOfItsOwn(this.device);
    run('ip', 'addr', 'add', `${this.host}/24`, 'dev', this.device);
    run('ip', 'link', 'set', this.device, 'up');
  }
  /** This machine's IPv6 address in it; there is none before somebody asks. */
  v6() {
    if (!this.host6) {
      this.prefix6 = `fd92:0:0:${this.network.split('.')[2]}::`;
      this.host6 = `${this.prefix6}1`;
      run('ip', 'addr', 'add', `${this.host6}/64`, 'dev', this.device, 'nodad');
    }
    return this.host6;
  }
  peer() {
    const peer = new Peer(this, this.peers.length + 1);
    this.peers.push(peer);
    return peer;
  }
  remove() {
    for (const peer of this.peers) try { run('nft', 'delete', 'table', 'netdev', peer.link); } catch { /* it lost nothing */ }
    for (const peer of this.peers) try { run('ip', 'netns', 'del', peer.namespace); } catch { /* gone */ }
    for (const space of this.spaces) try { run('ip', 'netns', 'del', space); } catch { /* gone */ }
    try { run('ip', 'link', 'del', this.device); } catch { /* gone */ }
  }
}
