import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFlows } from '../../testing/capture-file';
import { record } from '../../testing/recorder';
import { createHttp2 } from './definition';

const CORPORA = process.env.PORTCULLIS_CORPORA;
const FOLDER = join(CORPORA ?? '', 'suricata-verify/tests');
const there = CORPORA !== undefined && existsSync(FOLDER);

(there ? test : test.skip)('requests and errors of captures (PORTCULLIS_CORPORA names them)', () => {
  const definition = createHttp2();
  const flow = { transport: 0, clientPort: 40_000, serverPort: 80 } as const;
  const buffersOf = (path: string) =>
    readFlows(readFileSync(join(FOLDER, path)))
      .filter((pieces) =>
        pieces.some(([direction, bytes]) => definition.probe(direction, bytes, 0, bytes.length, flow) > 0),
      )
      .flatMap((pieces) => record(definition, pieces).transactions.map(({ buffers }) => buffers));
  const uris = buffersOf('http2-long-frame/input.pcap').flatMap((buffers) => buffers['>http.uri'] ?? []);
  expect(uris).toContain('/malware/payload.exe');
  const hosts = buffersOf('http2-compression-bug/input.pcap').flatMap(
    (buffers) => buffers['>http.host'] ?? [],
  );
  expect(hosts).toContain('play.google.com');
});
