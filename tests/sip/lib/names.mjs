// A name server for a test: SRV and A records, everything else does not exist.
import dgram from 'node:dgram';

const SRV = 33, A = 1;
const wire = (name) => Buffer.concat([...name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])), Buffer.from([0])]);
const u16 = (...values) => Buffer.from(values.flatMap((v) => [v >> 8, v & 0xff]));

export class Names {
  static async start(_scratch, address) {
    const names = new Names();
    Object.assign(names, { records: new Map(), asked: [], socket: dgram.createSocket('udp4') });
    names.socket.on('message', (query, from) => names.answer(query, from));
    await new Promise((done) => names.socket.bind(0, address, done));
    names.address = `${address}:${names.socket.address().port}`;
    return names;
  }
  /** `name` is served over UDP by these addresses, the first one first. */
  server(name, ...addresses) {
    this.records.set(`_sip._udp.${name} ${SRV}`, addresses.map((_, i) => Buffer.concat([u16(10 + i, 1, 5060), wire(`host${i}.${name}`)])));
    addresses.forEach((address, i) => this.records.set(`host${i}.${name} ${A}`, [Buffer.from(address.split('.').map(Number))]));
  }
  answer(query, from) {
    const labels = [];
    let at = 12;
    for (; query[at]; at += query[at] + 1) labels.push(query.subarray(at + 1, at + 1 + query[at]).toString());
    const name = labels.join('.').toLowerCase(), type = query.readUInt16BE(at + 1), question = query.subarray(12, at + 5);
    const found = this.records.get(`${name} ${type}`) ?? [];
    this.asked.push(`${name} ${type}`);
    this.socket.send(Buffer.concat([query.subarray(0, 2), u16(found.length ? 0x8180 : 0x8183, 1, found.length, 0, 0), question,
      ...found.map((data) => Buffer.concat([u16(0xc00c, type, 1, 0, 60, data.length), data]))]), from.port, from.address);
  }
  stop() { return new Promise((done) => this.socket.close(done)); }
}
