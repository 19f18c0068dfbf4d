import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CaptureFileSource } from '@portcullis/capture';
import { LinkType } from '@portcullis/wire';
import { PcapWriter, type PcapWriterOptions } from './pcap-writer';
import { TcpConversation } from './tcp-conversation';

const directory = mkdtempSync(join(tmpdir(), 'portcullis-testkit-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const ipv6 = { client: '2001:db8::1', server: '2001:db8::2' };

test.each<[string, PcapWriterOptions]>([
  ['Ethernet', {}],
  ['raw IP', { linkType: LinkType.RAW }],
  ['nanoseconds', { nanoseconds: true }],
  ['big-endian', { bigEndian: true }],
])('what is written is read back: %s', (_name, options) => {
  const { packets } = new TcpConversation().handshake().client('GET / HTTP/1.0\r\n\r\n').close();
  packets.push(...new TcpConversation(ipv6).handshake().packets);
  const file = join(directory, 'written.pcap');
  new PcapWriter(options).addAll(packets).writeFile(file);
  const source = new CaptureFileSource(file);
  expect(source.receive(0)).toBe(packets.length);
  const { batch } = source;
  packets.forEach((packet, index) => {
    const from = batch.offset[index];
    expect(Buffer.from(batch.bytes.slice(from, from + batch.length[index]))).toEqual(
      Buffer.from(packet.bytes),
    );
    expect(batch.time[index]).toBe(packet.time);
    if (batch.hardwareLength[index] > 0)
      expect(batch.hardware[index * 8 + 5]).toBe(packet.from === 'client' ? 1 : 2);
  });
  expect(source.receive(0)).toBe(-1);
  expect(source.error).toBeNull();
});

test('VLANs and frames as they are', () => {
  const [packet] = new TcpConversation().handshake().packets;
  const file = join(directory, 'vlans.pcap');
  const writer = new PcapWriter().add({ ...packet, vlans: [7] }).add({ ...packet, vlans: [100, 200] });
  writer.addFrame(new Uint8Array(60), 1, 1000).writeFile(file);
  const source = new CaptureFileSource(file);
  expect(source.receive(0)).toBe(2);
  const { batch } = source;
  expect([batch.vlan[0], batch.innerVlan[0], batch.vlan[1], batch.innerVlan[1]]).toEqual([7, 0, 100, 200]);
  expect(source.frames).toBe(3);
});
