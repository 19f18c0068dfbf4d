import { MemorySource } from '@portcullis/capture';
import { buildTcp, buildUdp } from '@portcullis/testkit';
import { TcpFlag } from '@portcullis/wire';
import { CaptureChecksums, type ChecksumPolicy } from './capture-checksums';

const ends = { source: '10.0.0.1', destination: '10.0.0.2', sourcePort: 1000, destinationPort: 53 };
const right = buildTcp({ ...ends, flags: TcpFlag.ACK, payload: 'payload' });
const wrong = spoilt(right);
const wrongDatagram = spoilt(buildUdp({ ...ends, payload: 'payload' }));
const undecodable = Uint8Array.of(0x45, 0, 0);

function spoilt(packet: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(packet);
  copy[copy.length - 1] = (copy[copy.length - 1] as number) ^ 1;
  return copy;
}

/** Whether each of the packets is believed. */
function believed(policy: ChecksumPolicy, packets: readonly Uint8Array[]): boolean[] {
  const checksums = new CaptureChecksums(policy);
  const source = new MemorySource(packets.map((bytes) => ({ bytes })));
  const answers: boolean[] = [];
  while (source.receive(0) >= 0) {
    for (let place = 0; place < source.batch.count; place++)
      answers.push(checksums.accepts(source.batch, place));
    source.finalize();
  }
  expect(answers.length).toBe(packets.length);
  return answers;
}

test('packets are taken as they are, or believed when their checksums are right', () => {
  expect(believed('ignore', [right, wrong, undecodable])).toEqual([true, true, true]);
  expect(believed('verify', [right, wrong, undecodable])).toEqual([true, false, true]);
  expect(believed('auto', [right, wrong, undecodable])).toEqual([true, false, true]);
});

test('datagrams are looked at whatever their checksum', () => {
  expect(believed('verify', [wrongDatagram, wrong])).toEqual([true, false]);
});

test('where many are wrong, whoever captured them sent them', () => {
  const packets = Array.from({ length: 1200 }, (_, at) => (at % 5 === 0 ? wrong : right));
  const answers = believed('auto', packets);
  expect(answers.slice(0, 1000)).toEqual(packets.slice(0, 1000).map((packet) => packet === right));
  expect(answers.slice(1000)).toEqual(packets.slice(1000).map(() => true));
  expect(believed('verify', packets)).toEqual(packets.map((packet) => packet === right));
});

test('where few are wrong, checksums count to the end', () => {
  const packets = Array.from({ length: 1200 }, (_, at) => (at % 50 === 0 ? wrong : right));
  expect(believed('auto', packets)).toEqual(packets.map((packet) => packet === right));
});
