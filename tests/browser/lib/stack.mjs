// Starts parley-media and parley-server on ports of their own with a fresh state folder.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { until } from './browsers.mjs';

const top = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../../..');
const programs = process.env.PARLEY_BUILD ?? path.join(top, 'build/release/src');

export const freePort = () => new Promise((done, failed) => {
  const server = net.createServer();
  server.on('error', failed);
  server.listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => done(port)); });
});

export function request(url, { method = 'GET', body, headers = {} } = {}) {
  return new Promise((done, failed) => {
    const payload = body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const call = https.request(url, { method, rejectUnauthorized: false, timeout: 15000,
      headers: { ...(payload ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) } : {}), ...headers } }, (answer) => {
      const parts = [];
      answer.on('data', (d) => parts.push(d));
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString();
        let json = null;
        try { json = JSON.parse(text); } catch { /* not JSON */ }
        done({ status: answer.statusCode, headers: answer.headers, text, json });
      });
    });
    call.on('error', failed);
    call.on('timeout', () => call.destroy(new Error('timeout')));
    call.end(payload);
  });
}

export class Stack {
  /** `file`: settings of the server in a file (TOML), which it can be told to read again. */
  static async start(settings = {}, { mediaSettings = {}, media = true, file = null } = {}) {
    const stack = new Stack();
    stack.scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-test-'));
    stack.state = path.join(stack.scratch, 'state');
    stack.port = await freePort();
    stack.controlPort = await freePort();
    stack.mediaSettings = { 'media.control_port': stack.controlPort, 'media.first_port': 20000 + Math.floor(Math.random() * 20000), ...mediaSettings };
    stack.serverSettings = { 'server.https_port': stack.port, 'server.web_root': path.join(top, 'web/dist'),
      'gateway.brokers': `https://127.0.0.1:${stack.controlPort}`, ...settings };
    stack.url = `https://localhost:${stack.port}`;
    stack.file = file;
    if (media) await stack.startMedia();
    await stack.startServer();
    return stack;
  }
  settingsFile(text) {
    const file = path.join(this.scratch, 'settings.toml');
    fs.writeFileSync(file, text);
    return file;
  }
  /** The settings file is another one now, and the server reads it again. */
  reload(text) {
    this.settingsFile(text);
    this.server.kill('SIGHUP');
  }
  run(program, settings, more = []) {
    const log = path.join(this.scratch, `${program}.log`);
    const out = fs.openSync(log, 'a');
    const args = ['--state', this.state, ...Object.entries(settings).flatMap(([k, v]) => ['--set', `${k}=${v}`]), ...more];
    const child = spawn(path.join(programs, program), args, { stdio: ['ignore', out, out] });
    fs.closeSync(out);
    child.log = log;
    child.ended = new Promise((done) => child.on('exit', (code, signal) => { child.over = signal ?? code; done(child.over); }));
    return child;
  }
  async startMedia() {
    this.media = this.run('parley-media', this.mediaSettings);
    await this.ready(`https://127.0.0.1:${this.controlPort}/health/ready`, this.media);
  }
  async startServer() {
    this.server = this.run('parley-server', this.serverSettings, this.file === null ? [] : ['--config', this.settingsFile(this.file)]);
    await this.ready(`${this.url}/health/ready`, this.server);
  }
  ready(url, child) {
    return until(`${url}`, async () => {
      if (child.over !== undefined) throw new Error(`ended with ${child.over}: ${fs.readFileSync(child.log, 'utf8').slice(-2000)}`);
      return (await request(url)).status === 200;
    }, 20000);
  }
  async metric(name, labels = '', { broker = false } = {}) {
    const url = broker ? `https://127.0.0.1:${this.controlPort}/metrics` : `${this.url}/metrics`;
    const line = (await request(url)).text.split('\n').find((l) => l.startsWith(`${name}${labels}`) && !l.startsWith('#'));
    return line ? Number(line.split(' ').at(-1)) : 0;
  }
  async admin() {
    if (!this.adminCookie) {
      const password = fs.readFileSync(path.join(this.state, 'initial-admin-password'), 'utf8').trim();
      this.adminPassword = password;
      const answer = await request(`${this.url}/web_plugin_framework/webcontroller/api/login`, { method: 'POST', body: { user: 'admin', password } });
      if (answer.status !== 200) throw new Error(`admin login: ${answer.status} ${answer.text}`);
      this.adminCookie = answer.headers['set-cookie'].map((c) => c.split(';')[0]).join('; ');
    }
    return { cookie: this.adminCookie };
  }
  async calls() { return (await request(`${this.url}/web_plugin_framework/webcontroller/api/calls`, { headers: await this.admin() })).json; }
  async call(id) { return (await request(`${this.url}/web_plugin_framework/webcontroller/api/calls/${id}`, { headers: await this.admin() })).json; }
  logs() {
    return ['parley-server', 'parley-media'].map((p) => {
      const file = path.join(this.scratch, `${p}.log`);
      return fs.existsSync(file) ? `--- ${p}\n${fs.readFileSync(file, 'utf8').split('\n').slice(-60).join('\n')}` : '';
    }).join('\n');
  }
  async stop() {
    for (const child of [this.server, this.media]) {
      if (!child || child.over !== undefined) continue;
      child.kill('SIGTERM');
      const timer = setTimeout(() => { child.kill('SIGTERM'); }, 3000);
      const force = setTimeout(() => { child.stuck = true; child.kill('SIGKILL'); }, 15000);
      await child.ended;
      clearTimeout(timer);
      clearTimeout(force);
    }
    const wrong = [this.server, this.media].filter((c) => c && !c.expectKilled && (c.stuck || (c.over !== 0 && c.over !== undefined)));
    const logs = wrong.length ? this.logs() : '';
    fs.rmSync(this.scratch, { recursive: true, force: true });
    if (wrong.length) throw new Error(`a program did not end well: ${wrong.map((c) => (c.stuck ? 'killed after 15 s' : c.over))}\n${logs}`);
  }
}
