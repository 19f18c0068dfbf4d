import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFlows } from '../../testing/capture-file';
import { record } from '../../testing/recorder';
import { createSmb } from './definition';

const CORPORA = process.env.PORTCULLIS_CORPORA;
const FOLDER = join(CORPORA ?? '', 'suricata-verify/tests');
const there = CORPORA !== undefined && existsSync(FOLDER);
const maybe = there ? test : test.skip;

function buffersOf(path: string): Record<string, string>[] {
  const definition = createSmb();
  const flow = { transport: 0, clientPort: 40_000, serverPort: 445 } as const;
  return readFlows(readFileSync(join(FOLDER, path)))
    .filter((pieces) =>
      pieces.some(([direction, bytes]) => definition.probe(direction, bytes, 0, bytes.length, flow) > 0),
    )
    .flatMap((pieces) => record(definition, pieces).transactions.map(({ buffers }) => buffers));
}

maybe.each([
  'smb-eicar-andx/smbandx.pcap',
  'smb-eicar-file-nbss-more-ffsmb/input.pcap',
  'smb-eicar-file-segmentation-postheader/input.pcap',
  'smb-eicar-padding/smb1_eicar_andx_write_padding2.pcap',
])('the test file that %s holds (PORTCULLIS_CORPORA names the captures)', (path) => {
  const files = buffersOf(path).flatMap((buffers) =>
    [buffers['>file.data[0]'] ?? [], buffers['<file.data[0]'] ?? []].flat(),
  );
  expect(files.join('\n')).toContain('EICAR-STANDARD-ANTIVIRUS-TEST-FILE');
});

maybe('pipes and calls of captures', () => {
  const pipes = buffersOf('smb-named-pipe-ascii/input.pcap').flatMap(
    (buffers) => buffers['>smb.named_pipe'] ?? [],
  );
  expect(pipes).toHaveLength(1);
  const calls = buffersOf('dcerpc-smb-test-01/input.pcap').filter(
    (buffers) => buffers['>dcerpc.opnum'] === '\0\x0f',
  );
  expect(calls.length).toBeGreaterThanOrEqual(2);
  expect(calls.every((buffers) => '>dcerpc.iface' in buffers)).toBe(true);
});
