// SIPp with a scenario of tests/sip/scenarios. Its exit code says whether all calls went as the scenario wants. One that
// waits for calls also answers OPTIONS, as calls that never end for SIPp: its statistics are asked instead.
import fs from 'node:fs';
import path from 'node:path';
import { until } from '../../browser/lib/browsers.mjs';
import { Program } from './program.mjs';

const scenarios = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../scenarios');

export class Sipp {
  /**
   * `remote`: "address:port" that a caller's scenario calls, absent for one that waits. `echo`: RTP comes back; `forgiving`: what was
   * overtaken (a 180 after its 200, an ACK after the BYE) is no failure.
   */
  constructor(scratch, peer, scenario, { remote = '', calls = 1, rate = 10, port = 5060, transport = 'u1', echo = false, user = '', seconds = 60, set = {}, limit = 1000, forgiving = false } = {}) {
    this.folder = path.join(scratch, `sipp-${scenario}-${peer.address}-${port}`);
    fs.mkdirSync(this.folder, { recursive: true });
    const file = path.join(scenarios, `${scenario}.xml`);
    this.program = new Program(this.folder, peer, 'sipp', [...(remote ? [remote] : []), '-sf', file, '-i', peer.address, '-p', String(port), '-mi', peer.address,
      '-t', transport, ...(remote ? ['-m', String(calls)] : ['-aa']), '-r', String(rate), '-l', String(limit), '-timeout', `${seconds}s`, '-timeout_error', '-nostdin', '-trace_err', '-trace_screen', '-trace_msg', '-trace_stat', '-fd', '1',
      ...(user ? ['-s', user] : []), ...(echo ? ['-rtp_echo'] : []), ...(forgiving ? ['-default_behaviors', 'all,-abortunexp'] : []), ...Object.entries(set).flatMap(([k, v]) => ['-key', k, String(v)])],
    { cwd: this.folder, env: { TERM: 'dumb' } });
    Object.assign(this, { remote, calls, seconds });
    this.scenario = scenario;
  }
  traces(kind) { return fs.readdirSync(this.folder).filter((f) => f.includes(`_${kind}.log`)).map((f) => fs.readFileSync(path.join(this.folder, f), 'utf8')).join('\n'); }
  /** All messages it sent and received so far, as text. */
  messages() { return this.traces('messages'); }
  /** { SuccessfulCall, FailedCall … } so far; a second old. */
  statistics() {
    const file = fs.readdirSync(this.folder).find((f) => f.endsWith('_.csv'));
    const rows = file ? fs.readFileSync(path.join(this.folder, file), 'utf8').trim().split('\n').map((line) => line.split(';')) : [];
    return rows.length < 2 ? {} : Object.fromEntries(rows[0].map((name, i) => [name.replace('(C)', ''), Number(rows.at(-1)[i])]));
  }
  async succeeded() {
    if (!this.remote) {
      return until(`${this.calls} calls at sipp ${this.scenario}`, () => {
        const { SuccessfulCall: good = 0, FailedCall: bad = 0 } = this.statistics();
        if (bad > 0 || good < this.calls) throw new Error(`${good} went well, ${bad} did not: ${bad > 0 ? this.traces('errors').slice(-2000) : ''}`);
        return true;
      }, this.seconds * 1000);
    }
    const code = await this.program.exit((this.seconds + 20) * 1000);
    if (code !== 0) throw new Error(`sipp ${this.scenario} ended with ${code}:\n${this.traces('errors').slice(-3000) || this.program.output().slice(-1500)}`);
  }
  stop() { return this.program.stop(); }
}
