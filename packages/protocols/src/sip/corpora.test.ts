import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDatagrams } from '../../testing/capture-datagrams';
import { record } from '../../testing/recorder';
import { Transport } from '../transaction';
import { createSip } from './definition';

const CORPORA = process.env.PORTCULLIS_CORPORA;
const CAPTURE = join(CORPORA ?? '', 'suricata-verify/tests/sip-method/sip.pcap');
const there = CORPORA !== undefined && existsSync(CAPTURE);

(there ? test : test.skip)('calls and registrations of a capture (PORTCULLIS_CORPORA names it)', () => {
  const definition = createSip();
  const seen: Record<string, number> = {};
  for (const pieces of readDatagrams(readFileSync(CAPTURE))) {
    const [direction, bytes] = pieces[0];
    const flow = { transport: Transport.UDP, clientPort: 5060, serverPort: 5060 };
    if (definition.probe(direction, bytes, 0, bytes.length, flow) !== 1) continue;
    for (const { buffers } of record(definition, pieces, Transport.UDP).transactions) {
      for (const name of Object.keys(buffers)) seen[name] = (seen[name] ?? 0) + 1;
      const method = buffers['>sip.method'];
      if (method !== undefined) seen[method] = (seen[method] ?? 0) + 1;
      const line = buffers['<sip.response_line'];
      if (line?.startsWith('SIP/2.0 200 OK')) seen.OK = (seen.OK ?? 0) + 1;
    }
  }
  expect(seen).toMatchObject({ REGISTER: 18, OK: 3, '>sip.protocol': 47, '<sip.protocol': 34 });
});
