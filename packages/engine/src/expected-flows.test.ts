import { parseAddress } from '@portcullis/wire';
import { ExpectedFlows } from './expected-flows';

const server = parseAddress('192.0.2.1') as Uint32Array;
const other = parseAddress('2001:db8::1') as Uint32Array;
const announced = (port: number, note = '') =>
  ({ protocol: 'ftp-data', listener: 'server', port, note: Buffer.from(note) }) as const;

test('an announced flow is found once, by the address and port that wait for it', () => {
  const flows = new ExpectedFlows();
  flows.add(server, announced(2121, 'file'), 0);
  expect(flows.take(other, 2121, 1)).toBeNull();
  expect(flows.take(server, 2122, 1)).toBeNull();
  const taken = flows.take(server, 2121, 1);
  expect([taken?.protocol, Buffer.from(taken?.note ?? []).toString()]).toEqual(['ftp-data', 'file']);
  expect(flows.take(server, 2121, 1)).toBeNull();
});

test('it is waited for a minute of packet time', () => {
  const flows = new ExpectedFlows();
  flows.add(server, announced(1), 5);
  flows.add(server, announced(2), 5);
  expect(flows.take(server, 1, 60_000_005)).not.toBeNull();
  expect(flows.take(server, 2, 60_000_006)).toBeNull();
});

test('what is announced again replaces what was', () => {
  const flows = new ExpectedFlows();
  flows.add(server, announced(1, 'one'), 0);
  flows.add(server, announced(1, 'another'), 0);
  expect(Buffer.from(flows.take(server, 1, 1)?.note ?? []).toString()).toBe('another');
  expect(flows.take(server, 1, 1)).toBeNull();
  expect(flows.mayWaitOn(1)).toBe(false);
});

test('whoever announces without end displaces what is older', () => {
  const flows = new ExpectedFlows();
  for (let port = 1; port <= 20_000; port++) flows.add(server, announced(port), port);
  let found = 0;
  for (let port = 1; port <= 20_000; port++) if (flows.take(server, port, 20_001)) found++;
  expect(found).toBe(4096);
  // Ports that differ by 4096 are counted together: none is left over.
  for (let port = 0; port < 4096; port++) expect(flows.mayWaitOn(port)).toBe(false);
});

test('a note that is too long is not kept', () => {
  const flows = new ExpectedFlows();
  flows.add(server, announced(1, 'x'.repeat(505)), 0);
  expect(flows.take(server, 1, 1)).toBeNull();
  flows.add(server, announced(1, 'x'.repeat(504)), 0);
  expect(flows.take(server, 1, 1)?.note).toHaveLength(504);
});

test('what one worker was told another knows', () => {
  const memory = new SharedArrayBuffer(ExpectedFlows.BYTES);
  const [one, another] = [new ExpectedFlows(memory), new ExpectedFlows(memory)];
  one.add(other, announced(2121, 'file'), 0);
  expect(another.mayWaitOn(2121)).toBe(true);
  expect(another.take(other, 2121, 1)?.protocol).toBe('ftp-data');
  expect(one.take(other, 2121, 1)).toBeNull();
  one.add(other, announced(2121), 0);
  another.clear();
  expect(one.take(other, 2121, 1)).toBeNull();
});
