import { Random, testSeed } from '../testing/random';
import { bytesOf, record } from '../testing/recorder';
import { createNamedOnly } from './named-only';
import type { ProbedFlow, Transport } from './transaction';

const definitions = createNamedOnly();
const flow = (transport: Transport, serverPort = 9000): ProbedFlow => ({
  transport,
  serverPort,
  clientPort: 40000,
});

function probe(name: string, text: string, direction: 0 | 1 = 0, serverPort = 9000): number {
  const definition = definitions.find((one) => one.name === name);
  if (definition === undefined) throw new Error(`there is no ${name}`);
  const bytes = bytesOf(text);
  return definition.probe(direction, bytes, 0, bytes.length, flow(definition.transports[0], serverPort));
}

test.each<[string, string, 0 | 1]>([
  ['rtsp', 'OPTIONS rtsp://example.com/media RTSP/1.0\r\n', 0],
  ['rtsp', 'RTSP/1.0 200 OK\r\n', 1],
  ['bittorrent', '\x13BitTorrent protocol\0\0\0\0', 0],
  ['bittorrent', '\x13BitTorrent protocol\0\0\0\0', 1],
  ['redis', '*2\r\n$4\r\nLLEN\r\n', 0],
  ['mysql', '\x4a\0\0\0\x0a8.0.36\0', 1],
  ['socks', '\x05\x02\x00\x02', 0],
])('%s by %j, and no sooner', (name, text, direction) => {
  expect(probe(name, text, direction)).toBe(1);
  for (let i = 0; i < 3; i++) expect(probe(name, text.slice(0, i), direction)).toBe(0);
});

test.each([
  ['bittorrent-dht', 'd1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe'],
  ['bittorrent-dht', 'd1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re'],
  ['tftp', '\0\x01boot.img\0OCTET\0'],
  ['tftp', '\0\x02x\0netascii\0blksize\x001024\0'],
])('%s by a datagram', (name, text) => {
  expect(probe(name, text)).toBe(1);
});

test('what only looks alike', () => {
  expect(probe('rtsp', 'OPTIONS * HTTP/1.1')).toBe(-1);
  expect(probe('redis', '*2\r\nx')).toBe(-1);
  expect(probe('redis', '*12345678\r\n$')).toBe(-1);
  expect(probe('mysql', '\x4a\0\0\0\x0ax')).toBe(-1);
  expect(probe('mysql', '\x4a\0\0\0\x0a8.0', 1)).toBe(1);
  expect(probe('mysql', '\x4a\0\0\x01\x0a8.0', 1)).toBe(-1);
  expect(probe('socks', '\x05\x00\x0b')).toBe(-1);
  expect(probe('socks', '\x05\x01\x00\x05')).toBe(-1);
  expect(probe('tftp', '\0\x01boot.img\0other\0')).toBe(-1);
  expect(probe('tftp', '\0\x03\0\x01data')).toBe(-1);
  expect(probe('tftp', '\0\x03\0\x01data', 0, 69)).toBe(1);
  expect(probe('bittorrent-dht', 'd1:ad2:id')).toBe(-1);
});

test('random bytes are none of them, and their parsers look at nothing', () => {
  const random = new Random(testSeed());
  for (const definition of definitions) {
    let claimed = 0;
    for (let run = 0; run < 300; run++) {
      const bytes = Buffer.from(Array.from({ length: 40 }, () => random.next(256)));
      claimed += Number(
        definition.probe(random.next(2) as 0 | 1, bytes, 0, 40, flow(definition.transports[0])) > 0,
      );
    }
    expect({ seed: random.seed, name: definition.name, claimed }).toMatchObject({ claimed: 0 });
    expect(record(definition, [[0, bytesOf('anything')]]).summary()).toMatchObject({
      transactions: [],
      events: [],
    });
  }
});
