import { HTTP1_BUFFERS } from './http1/buffers';
import { HTTP1_EVENTS } from './http1/events';
import { allBuffers, createProtocols } from './registry';
import { type ProtocolDefinition, Transport } from './transaction';

test('buffer numbers are unique and count from 0', () => {
  const ids = allBuffers(createProtocols()).map(({ id }) => id);
  expect(ids).toEqual(ids.map((_, i) => i));
});

test('a number that is given twice is refused', () => {
  const again: ProtocolDefinition = { ...createProtocols()[0], name: 'other' };
  expect(() => allBuffers([...createProtocols(), again])).toThrow(/buffer number 0/);
});

test('names are those of the rule language, each once', () => {
  const names = HTTP1_BUFFERS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^(http\.[a-z_.]+|file\.data)$/);
  expect(new Set(HTTP1_EVENTS).size).toBe(HTTP1_EVENTS.length);
  for (const name of HTTP1_EVENTS) expect(name).toMatch(/^http\.[A-Z0-9_]+$/);
});

test('each worker has its own parsers', () => {
  const [first] = createProtocols();
  const [second] = createProtocols();
  expect(first).not.toBe(second);
  const flow = { transport: Transport.TCP, clientPort: 1025, serverPort: 80 };
  expect(first.probe(0, Buffer.from('GET / HTTP/1.1\r\n'), 0, 16, flow)).toBe(1);
  expect(first.probe(1, Buffer.from('HT'), 0, 2, flow)).toBe(0);
  expect(first.probe(1, Buffer.from('SSH-'), 0, 4, flow)).toBe(-1);
});
