/** Captures of shared corpora, where PORTCULLIS_CORPORA names them: what is known to be in them is found. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFlows } from '../../testing/capture-file';
import { type RecordedTransaction, record } from '../../testing/recorder';
import { Transport } from '../transaction';
import { createTls } from './definition';

const folder = join(process.env.PORTCULLIS_CORPORA ?? '', 'suricata-verify', 'tests');
const there = process.env.PORTCULLIS_CORPORA !== undefined && existsSync(folder);
const withCorpora = there ? test : test.skip;
const tls = createTls();

/** The connections of a capture that begin as TLS. */
function connections(capture: string): RecordedTransaction[] {
  const flow = { transport: Transport.TCP, clientPort: 0, serverPort: 0 };
  return readFlows(readFileSync(join(folder, capture))).flatMap((pieces) => {
    const [first] = pieces;
    if (first === undefined || tls.probe(first[0], first[1], 0, first[1].length, flow) !== 1) return [];
    return record(tls, pieces).transactions;
  });
}

withCorpora('names and randoms (skipped without PORTCULLIS_CORPORA)', () => {
  const [{ buffers }] = connections('tls/tls-random/input.pcap');
  expect(Buffer.from(buffers['>tls.random_time'], 'latin1').toString('hex')).toBe('942d1fef');
  expect(Buffer.from(buffers['<tls.random_time'], 'latin1').toString('hex')).toBe('54f9fc15');
  expect(buffers['<tls.cert_subject']).toBe('C=FR, ST=IDF, L=Paris, O=Stamus, CN=SELKS');
  expect(buffers['<tls.cert_serial']).toBe('00:97:E6:47:09:8E:EA:C9:B4');
});

withCorpora('a hello over several packets (skipped without PORTCULLIS_CORPORA)', () => {
  const found = connections('tls/tls-client-hello-frag-01/dump_mtu300.pcap');
  expect(found.some(({ buffers }) => buffers['>tls.sni']?.includes('google'))).toBe(true);
});

withCorpora('alternative names (skipped without PORTCULLIS_CORPORA)', () => {
  const found = connections('tls/tls-subjectaltname/input.pcap');
  const names = found.filter(({ buffers }) => buffers['<tls.subjectaltname[0]'] === 'www.bing.com');
  expect(names.length).toBeGreaterThan(0);
});

withCorpora('certificates that are wrong (skipped without PORTCULLIS_CORPORA)', () => {
  const content = connections('bug-1450-05/tls_DER-incomplete-content.pcap').flatMap((tx) => tx.events);
  expect(content).toEqual(['<tls.invalid_certificate', '<tls.invalid_handshake_message']);
  const header = connections('bug-1450-04/tls_DER-incomplete-header.pcap').flatMap((tx) => tx.events);
  expect(header).toEqual(['<tls.certificate_invalid_length', '<tls.invalid_handshake_message']);
});
