import { type Piece, record } from '../../testing/recorder';
import { type ProbedFlow, Transport } from '../transaction';
import { createPgsql } from './definition';

const pgsql = createPgsql();
const request = (length: number, code: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(length, 0);
  bytes.writeUInt32BE(code, 4);
  return bytes;
};
const SSL = request(8, 80877103);

test('TLS begins behind the answer', () => {
  const hello = Buffer.from('\x16\x03\x01', 'latin1');
  expect(
    record(pgsql, [
      [0, SSL],
      [1, Buffer.from('S')],
      [0, hello],
    ]).upgrades,
  ).toEqual([{ protocol: 'tls', at: 9 }]);
  const pieces: Piece[] = [...SSL].map((byte): Piece => [0, Buffer.from([byte])]);
  expect(record(pgsql, [...pieces, [1, Buffer.from('S')]]).upgrades).toHaveLength(1);
  expect(
    record(pgsql, [
      [0, SSL],
      [1, Buffer.from('N')],
      [1, Buffer.from('S')],
    ]).upgrades,
  ).toEqual([]);
  expect(
    record(pgsql, [
      [0, request(20, 196608)],
      [1, Buffer.from('S')],
    ]).upgrades,
  ).toEqual([]);
});

test('told by its bytes', () => {
  const flow: ProbedFlow = { transport: Transport.TCP, serverPort: 9000, clientPort: 40000 };
  const probe = (bytes: Buffer) => pgsql.probe(0, bytes, 0, bytes.length, flow);
  expect(probe(SSL)).toBe(1);
  expect(probe(Buffer.concat([request(30, 196608), Buffer.from('user\0x')]))).toBe(1);
  for (let i = 0; i < 8; i++) expect(probe(SSL.subarray(0, i))).toBe(0);
  expect(probe(request(9, 80877103))).toBe(-1);
  expect(probe(Buffer.from([0, 0, 0, 85, 0xff, 0x53, 0x4d, 0x42]))).toBe(-1);
});
