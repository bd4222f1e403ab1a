// A network namespace joined to this machine by a veth pair, whose link can be cut and mended.
import { execFileSync } from 'node:child_process';

const run = (...command) => execFileSync(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
let count = 0;

export class Namespace {
  constructor() {
    const id = `${process.pid % 10000}${count++}`;
    this.name = `parley${id}`;
    this.device = `ply${id}`;
    const third = (process.pid + count) % 200 + 20;
    this.host = `10.91.${third}.1`;
    this.address = `10.91.${third}.2`;
    run('ip', 'netns', 'add', this.name);
    run('ip', 'link', 'add', this.device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.name);
    run('ip', 'addr', 'add', `${this.host}/24`, 'dev', this.device);
    run('ip', 'link', 'set', this.device, 'up');
    run('ip', '-n', this.name, 'addr', 'add', `${this.address}/24`, 'dev', 'eth0');
    run('ip', '-n', this.name, 'link', 'set', 'eth0', 'up');
    run('ip', '-n', this.name, 'link', 'set', 'lo', 'up');
    run('ip', '-n', this.name, 'route', 'add', 'default', 'via', this.host);
  }
  get prefix() { return ['ip', 'netns', 'exec', this.name]; }
  /** Drops every packet in the namespace, as a dead radio would; addresses and routes stay. */
  cut() {
    execFileSync('ip', ['netns', 'exec', this.name, 'nft', '-f', '-'], { input: `table inet cut {
  chain in { type filter hook input priority 0; policy accept; iifname "eth0" drop; }
  chain out { type filter hook output priority 0; policy accept; oifname "eth0" drop; }
}
` });
  }
  /** Loses this share of the UDP packets, in both directions. */
  lose(percent) {
    const rule = `meta l4proto udp numgen random mod 100 < ${percent} drop;`;
    execFileSync('ip', ['netns', 'exec', this.name, 'nft', '-f', '-'], { input: `table inet cut {
  chain in { type filter hook input priority 0; policy accept; iifname "eth0" ${rule} }
  chain out { type filter hook output priority 0; policy accept; oifname "eth0" ${rule} }
}
` });
  }
  /** Limits what reaches the namespace, as a narrow downlink would. */
  narrow(rate) { run('tc', 'qdisc', 'add', 'dev', this.device, 'root', 'tbf', 'rate', rate, 'burst', '16k', 'latency', '150ms'); }
  /** Limits what leaves the namespace. */
  narrowUplink(rate) { run('ip', 'netns', 'exec', this.name, 'tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'tbf', 'rate', rate, 'burst', '16k', 'latency', '150ms'); }
  mend() { run('ip', 'netns', 'exec', this.name, 'nft', 'delete', 'table', 'inet', 'cut'); }
  /** Another address, as on another network: the first goes. */
  move() {
    const next = this.address.replace(/\.2$/, '.7');
    run('ip', '-n', this.name, 'addr', 'del', `${this.address}/24`, 'dev', 'eth0');
    run('ip', '-n', this.name, 'addr', 'add', `${next}/24`, 'dev', 'eth0');
    run('ip', '-n', this.name, 'route', 'replace', 'default', 'via', this.host);
    this.address = next;
  }
  remove() { try { run('ip', 'netns', 'del', this.name); } catch { /* gone */ } }
}
