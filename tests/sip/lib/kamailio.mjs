// Kamailio as the contact centre's call manager: registrar with digest (no database: the password is "secret-<user>"),
// and proxy with Record-Route; UDP, TCP and WebSocket on 5060/5080, TLS on 5061 with a certificate of an Authority.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Program } from './program.mjs';

export const secretOf = (user) => `secret-${user}`;

const config = ({ address, folder, algorithm, callsNeedDigest, tls, peers, routes }) => `#!KAMAILIO
debug=2
log_stderror=yes
children=2
tcp_children=2
disable_core_dump=yes
auto_aliases=no
listen=udp:${address}:5060
listen=tcp:${address}:5060
listen=tcp:${address}:5080
tcp_accept_no_cl=yes
${tls ? `enable_tls=yes\nlisten=tls:${address}:5061` : ''}
loadmodule "pv.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "path.so"
loadmodule "auth.so"
loadmodule "nathelper.so"
loadmodule "xhttp.so"
loadmodule "websocket.so"
${tls ? 'loadmodule "tls.so"' : ''}
modparam("usrloc", "db_mode", 0)
modparam("registrar", "use_path", 1)
modparam("registrar", "min_expires", 60)
modparam("registrar", "min_expires_mode", 1)
modparam("registrar", "max_expires", 600)
modparam("nathelper|registrar", "received_avp", "$avp(received)")
modparam("rr", "append_fromtag", 1)
modparam("auth", "qop", "auth")
modparam("auth", "nonce_expire", 60)
modparam("auth", "nonce_count", 1)
${algorithm ? `modparam("auth", "algorithm", "${algorithm}")` : ''}
${tls ? `modparam("tls", "certificate", "${folder}/cert.pem")\nmodparam("tls", "private_key", "${folder}/key.pem")\nmodparam("tls", "tls_method", "TLSv1.2+")\n${peers
    ? `modparam("tls", "ca_list", "${peers}")\nmodparam("tls", "verify_certificate", 1)\nmodparam("tls", "require_certificate", 1)`
    : 'modparam("tls", "verify_certificate", 0)'}` : ''}

request_route {
  xlog("L_NOTICE", "$proto:$si:$sp $rm $ru\\n");
  if (!mf_process_maxfwd_header("20")) { sl_send_reply("483", "Too Many Hops"); exit; }
  # A WebSocket client's Contact leads nowhere: it is its connection.
  if (is_method("INVITE|UPDATE") && (proto == WS || proto == WSS)) add_contact_alias();
  if (has_totag()) {
    if (loose_route()) {
      if ($du == $null) handle_ruri_alias();
      if ($ru =~ ";gr=") lookup("location");  # A GRUU, which we gave to the phone ourselves.
      t_relay();
      exit;
    }
    if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
    sl_send_reply("404", "Not Here");
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  if (is_method("OPTIONS") && $rU == $null) { sl_send_reply("200", "OK"); exit; }
  t_check_trans();
  if (is_method("REGISTER")) {
    if (!pv_www_authenticate("${address}", "secret-$au", "0")) { www_challenge("${address}", "1"); exit; }
    if (proto == WS || proto == WSS) fix_nated_register();
    if (!save("location")) sl_reply_error();
    else xlog("L_NOTICE", "saved $tU $hdr(Expires) $hdr(Contact)\\n");
    exit;
  }
  ${callsNeedDigest ? `if (is_method("INVITE")) {\n    if (!pv_proxy_authenticate("${address}", "secret-$au", "0")) { proxy_challenge("${address}", "1"); exit; }\n    consume_credentials();\n  }` : ''}
  record_route();
  ${Object.entries(routes).map(([number, uri]) => `if ($rU == "${number}") { $ru = "${uri}"; t_relay(); exit; }`).join('\n  ')}
  if (uri != myself) {  # From a phone here to Parley.
    ${tls ? '$du = "sip:" + $rd + ":5061;transport=tls";' : ''}
    t_relay();
    exit;
  }
  if (!lookup("location")) { sl_send_reply("404", "Nobody Here"); exit; }
  t_relay();
}

onreply_route {
  if (proto == WS || proto == WSS) add_contact_alias();
}

event_route[xhttp:request] {
  if ($hdr(Upgrade) =~ "websocket" && $hdr(Connection) =~ "Upgrade" && $rm =~ "GET") {
    ${tls ? 'if ($hu != "/sip") { xhttp_reply("403", "Elsewhere", "", ""); exit; }' : ''}
    if (ws_handle_handshake()) exit;
  }
  xhttp_reply("404", "Not Found", "", "");
}
`;

/** An authority of the tests' own. */
export class Authority {
  static async start(scratch) {
    const authority = new Authority();
    authority.folder = fs.mkdtempSync(path.join(scratch, 'authority-'));
    authority.file = path.join(authority.folder, 'ca.pem');
    openssl('req', '-x509', ...newKey(path.join(authority.folder, 'ca-key.pem')), '-days', '2', '-subj', '/CN=Test Authority', '-out', authority.file);
    return authority;
  }
  /** The same, but the certificates it issues are for another address. */
  naming(name) { return Object.assign(new Authority(), this, { name }); }
  /** key.pem and cert.pem in the folder. */
  issue(folder, address) {
    const [request, names] = ['csr.pem', 'names'].map((f) => path.join(folder, f));
    fs.writeFileSync(names, `subjectAltName=IP:${address}\n`);
    openssl('req', ...newKey(path.join(folder, 'key.pem')), '-subj', `/CN=${address}`, '-out', request);
    openssl('x509', '-req', '-in', request, '-CA', this.file, '-CAkey', path.join(this.folder, 'ca-key.pem'), '-days', '2', '-extfile', names, '-out', path.join(folder, 'cert.pem'));
  }
  stop() {}
}
const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });
const newKey = (file) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file];

export class Kamailio {
  /** `routes`: where calls to a number go, as a switchboard has it. `tls`: an Authority of its certificate; `peers`: a file with those of which everybody must show one. */
  static async start(scratch, peer, { algorithm = '', callsNeedDigest = false, tls = null, peers = null, routes = {} } = {}) {
    const kamailio = new Kamailio();
    const folder = path.join(scratch, `kamailio-${peer.address}`);
    fs.mkdirSync(path.join(folder, 'run'), { recursive: true });
    Object.assign(kamailio, { peer, folder, address: peer.address, domain: peer.address });
    if (tls) tls.issue(folder, tls.name ?? peer.address);
    const file = path.join(folder, 'kamailio.cfg');
    fs.writeFileSync(file, config({ address: peer.address, folder, algorithm, callsNeedDigest, tls, peers, routes }));
    kamailio.program = new Program(folder, peer, 'kamailio', ['-DD', '-E', '-f', file, '-P', path.join(folder, 'run/pid'), '-Y', path.join(folder, 'run'), '-m', '64', '-M', '8']);
    await kamailio.answers();
    return kamailio;
  }
  /** Until it answers OPTIONS over UDP. */
  async answers() {
    const probe = `import socket,sys,time
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.settimeout(0.3);s.connect((sys.argv[1],5060))
for i in range(60):
  try:
    s.send(('OPTIONS sip:%s SIP/2.0\\r\\nVia: SIP/2.0/UDP 0.0.0.0;rport;branch=z9hG4bKp%d\\r\\nFrom: <sip:probe@test>;tag=1\\r\\nTo: <sip:%s>\\r\\nCall-ID: p%d\\r\\nCSeq: 1 OPTIONS\\r\\nMax-Forwards: 5\\r\\nContent-Length: 0\\r\\n\\r\\n'%(sys.argv[1],i,sys.argv[1],i)).encode())
    if s.recv(2000): sys.exit(0)
  except OSError: time.sleep(0.1)
sys.exit(1)`;
    const run = new Program(this.folder, null, '/usr/bin/python3', ['-c', probe, this.address]);
    if (await run.exit(25000) !== 0) throw new Error(`kamailio does not answer: ${this.program.output().slice(-2000)}`);
  }
  /** Requests it saw, as "METHOD uri". */
  requests() { return [...this.program.output().matchAll(/(\w+):[\d.]+:\d+ ([A-Z]+) (sips?:\S+)/g)].map((m) => ({ transport: m[1], method: m[2], uri: m[3] })); }
  /** The user's registration was accepted. */
  registered(user, ms) { return this.program.prints(new RegExp(`saved ${user} `), ms); }
  stop() { return this.program.stop(); }
}
