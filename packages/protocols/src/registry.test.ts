import { BUFFERS_PER_PROTOCOL, FIRST_BUFFER } from './buffer-ranges';
import { HTTP1_BUFFERS } from './http1/buffers';
import { HTTP1_EVENTS } from './http1/events';
import { allBuffers, createProtocols } from './registry';
import { type ProtocolDefinition, Transport } from './transaction';

test('buffer numbers are unique, and each lies in the range of its protocol', () => {
  const buffers = allBuffers(createProtocols());
  expect(buffers.length).toBeGreaterThan(HTTP1_BUFFERS.length);
  for (const { id, name, protocol, frame } of buffers) {
    if (frame) continue;
    const first = FIRST_BUFFER[protocol as keyof typeof FIRST_BUFFER];
    expect({ name, inside: id >= first && id < first + BUFFERS_PER_PROTOCOL }).toEqual({
      name,
      inside: true,
    });
  }
});

test('a number that is given twice is refused', () => {
  const http = createProtocols().find(({ name }) => name === 'http') as ProtocolDefinition;
  const again: ProtocolDefinition = { ...http, name: 'other' };
  expect(() => allBuffers([...createProtocols(), again])).toThrow(/buffer number 0/);
});

test('names are those of the rule language, each once for a direction', () => {
  const names = HTTP1_BUFFERS.flatMap(({ name, directions }) => directions.map((side) => `${name} ${side}`));
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^(http\.[a-z_.]+|file\.[a-z0-9]+) [01]$/);
  expect(new Set(HTTP1_EVENTS).size).toBe(HTTP1_EVENTS.length);
  for (const name of HTTP1_EVENTS) expect(name).toMatch(/^http\.[A-Z0-9_]+$/);
});

test('each worker has its own parsers', () => {
  const http = () => createProtocols().find(({ name }) => name === 'http') as ProtocolDefinition;
  const first = http();
  const second = http();
  expect(first).not.toBe(second);
  const flow = { transport: Transport.TCP, clientPort: 1025, serverPort: 80 };
  expect(first.probe(0, Buffer.from('GET / HTTP/1.1\r\n'), 0, 16, flow)).toBe(1);
  expect(first.probe(1, Buffer.from('HT'), 0, 2, flow)).toBe(0);
  expect(first.probe(1, Buffer.from('SSH-'), 0, 4, flow)).toBe(-1);
});
