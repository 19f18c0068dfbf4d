import { Transport } from '../transaction';
import { createTelnet } from './definition';

test('flows begin with a negotiation', () => {
  const telnet = createTelnet();
  const flow = { transport: Transport.TCP, clientPort: 1025, serverPort: 23 };
  const probe = (...bytes: number[]) => telnet.probe(1, Uint8Array.from(bytes), 0, bytes.length, flow);
  expect(probe(0xff, 0xfd, 0x18)).toBe(1);
  expect(probe(0xff, 0xfd)).toBe(0);
  expect(probe(0xff)).toBe(0);
  expect(probe(0xff, 0xd8, 0xff)).toBe(-1);
  expect(probe(0xff, 0xfd, 0x60)).toBe(-1);
  expect(probe(0x4c)).toBe(-1);
});
