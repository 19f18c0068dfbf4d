import { readFileSync } from 'node:fs';
import { record } from '../../testing/recorder';
import { createQuic } from './definition';
test('smoke', () => {
  const base = '/work/shared/corpora/suricata-verify/tests/';
  for (const f of (process.env.CAPS ?? '').split(' ')) {
    const file = readFileSync(base + f);
    const flows = new Map<string, { first: string; pieces: [0 | 1, Buffer][] }>();
    for (let at = 24; at + 16 <= file.length; ) {
      const size = file.readUInt32LE(at + 8);
      const frame = file.subarray(at + 16, at + 16 + size);
      at += 16 + size;
      const ip = file.readUInt32LE(20) === 1 ? 14 : file.readUInt32LE(20) === 113 ? 16 : 0;
      const v6 = frame[ip] >> 4 === 6;
      if (frame[ip + (v6 ? 6 : 9)] !== 17) continue;
      const udp = ip + (v6 ? 40 : (frame[ip] & 15) * 4);
      const a = frame.readUInt16BE(udp);
      const b = frame.readUInt16BE(udp + 2);
      const key = [a, b].sort().join(' ');
      let flow = flows.get(key);
      if (!flow) flows.set(key, (flow = { first: `${a}`, pieces: [] }));
      flow.pieces.push([`${a}` === flow.first ? 0 : 1, frame.subarray(udp + 8, udp + frame.readUInt16BE(udp + 4))]);
    }
    for (const { pieces } of flows.values()) {
      const d = createQuic();
      console.log(f, pieces.length, d.probe(0, pieces[0][1], 0, pieces[0][1].length, { transport: 1, clientPort: 5, serverPort: 443 }), pieces[0][1].subarray(0, 30).toString('hex'));
      const r = record(d, pieces, 1);
      console.log(JSON.stringify(r.summary(), (_k, v) => (typeof v === 'string' && v.length > 300 ? v.slice(0, 300) : v), 1));
    }
  }
});
