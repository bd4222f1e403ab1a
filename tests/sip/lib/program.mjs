// A program of a test: started in a peer's namespace, its output kept, ended for certain.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { until } from '../../browser/lib/browsers.mjs';

let count = 0;

export class Program {
  /** `folder`: where its log is kept; `peer`: null runs it on this machine itself. */
  constructor(folder, peer, name, args, { env = {}, cwd } = {}) {
    fs.mkdirSync(folder, { recursive: true });
    this.name = path.basename(name);
    this.log = path.join(folder, `${this.name}-${++count}.log`);
    const out = fs.openSync(this.log, 'a');
    const command = [...(peer?.prefix ?? []), name, ...args];
    // Its own process group: some of them fork, and all of them must go.
    this.child = spawn(command[0], command.slice(1), { stdio: ['pipe', out, out], detached: true, cwd, env: { ...process.env, ...env } });
    fs.closeSync(out);
    this.child.stdin.on('error', () => {});
    this.ended = new Promise((done) => {
      this.child.on('error', (error) => { this.over = error.message; done(this.over); });
      this.child.on('exit', (code, signal) => { this.over = signal ?? code; done(this.over); });
    });
  }
  output() { return fs.existsSync(this.log) ? fs.readFileSync(this.log, 'utf8') : ''; }
  say(line) { this.child.stdin.write(`${line}\n`); }
  async prints(pattern, ms = 15000) {
    return until(`${this.name} prints ${pattern}`, () => {
      const found = this.output().match(pattern);
      if (found) return found;
      if (this.over !== undefined) throw new Error(`it ended with ${this.over}: ${this.output().slice(-1500)}`);
      return null;
    }, ms);
  }
  /** Its exit code or signal; an error if it does not end in time. */
  async exit(ms) {
    let timer;
    const late = new Promise((_, no) => { timer = setTimeout(() => no(new Error(`${this.name} does not end: ${this.output().slice(-1500)}`)), ms); });
    return Promise.race([this.ended, late]).finally(() => clearTimeout(timer));
  }
  kill(signal) { try { process.kill(-this.child.pid, signal); } catch { /* gone */ } }
  async stop() {
    if (this.over === undefined) {
      this.kill('SIGTERM');
      await Promise.race([this.ended, new Promise((done) => setTimeout(done, 2000))]);
    }
    this.kill('SIGKILL');
    await this.ended;
  }
}
