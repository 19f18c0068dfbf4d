/** Captures of shared corpora, where PORTCULLIS_CORPORA names them: what is known to be in them is found. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDatagrams } from '../../testing/capture-datagrams';
import { record } from '../../testing/recorder';
import { Transport } from '../transaction';
import { createQuic } from './definition';

const corpora = process.env.PORTCULLIS_CORPORA ?? '';
const capture = join(corpora, 'suricata-verify', 'tests', 'quic-alerts', 'input.pcap');
const folder = join(corpora, 'pcaps', 'nDPI', 'tests', 'cfgs', 'default', 'pcap');
const withCapture = corpora !== '' && existsSync(capture) ? test : test.skip;
const withFolder = corpora !== '' && existsSync(folder) ? test : test.skip;
const quic = createQuic();

withCapture("Google's hellos (skipped without PORTCULLIS_CORPORA)", () => {
  const [pieces] = readDatagrams(readFileSync(capture));
  const { transactions } = record(quic, pieces, Transport.UDP);
  expect(transactions).toHaveLength(6);
  expect(transactions.map(({ buffers }) => buffers['>quic.cyu.hash[0]']).filter(Boolean)).toEqual([
    '910a5e3a4d51593bd59a44611544f209',
    '7b3ceb1adc974ad360cfa634e8d0a730',
  ]);
  expect(transactions[0].buffers['>quic.sni']).toBe('clients1.google.com');
});

withFolder('names in hellos of all versions (skipped without PORTCULLIS_CORPORA)', () => {
  const names = new Map<string, number>();
  let flows = 0;
  for (const file of readdirSync(folder).filter((name) => /^quic.*\.pcap$/.test(name))) {
    const bytes = readFileSync(join(folder, file));
    if (bytes.length > 300_000 || ![0xd4, 0x4d, 0xa1].includes(bytes[0])) continue;
    for (const pieces of readDatagrams(bytes)) {
      const [first] = pieces;
      const flow = { transport: Transport.UDP, clientPort: 1, serverPort: 443 };
      if (first === undefined || quic.probe(first[0], first[1], 0, first[1].length, flow) !== 1) continue;
      flows++;
      for (const { buffers } of record(quic, pieces, Transport.UDP).transactions) {
        const name = buffers['>quic.sni'];
        if (name !== undefined) names.set(name, (names.get(name) ?? 0) + 1);
      }
    }
  }
  expect(flows).toBeGreaterThan(8);
  // Drafts, version 1, Q043, Q046 and Q050.
  expect([...names.keys()]).toEqual(
    expect.arrayContaining([
      'localhost',
      'gcp.api.snapchat.com',
      'dns.google.com',
      'www.googletagmanager.com',
    ]),
  );
});
