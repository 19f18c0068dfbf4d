import { parseAddress } from '@portcullis/wire';
import { ExpectedFlows } from './expected-flows';

const server = parseAddress('192.0.2.1') as Uint32Array;
const other = parseAddress('2001:db8::1') as Uint32Array;
const announced = (port: number, note: unknown = null) =>
  ({ protocol: 'ftp-data', listener: 'server', port, note }) as const;

test('an announced flow is found once, by the address and port that wait for it', () => {
  const flows = new ExpectedFlows();
  flows.add(server, announced(2121, 'file'), 0);
  expect(flows.take(other, 2121, 1)).toBeNull();
  expect(flows.take(server, 2122, 1)).toBeNull();
  expect(flows.take(server, 2121, 1)?.note).toBe('file');
  expect(flows.take(server, 2121, 1)).toBeNull();
});

test('it is waited for a minute of packet time', () => {
  const flows = new ExpectedFlows();
  flows.add(server, announced(1), 5);
  flows.add(server, announced(2), 5);
  expect(flows.take(server, 1, 60_000_005)).not.toBeNull();
  expect(flows.take(server, 2, 60_000_006)).toBeNull();
});

test('whoever announces without end displaces its own oldest', () => {
  const flows = new ExpectedFlows();
  for (let port = 1; port <= 5000; port++) flows.add(server, announced(port), 0);
  expect(flows.size).toBe(4096);
  expect(flows.take(server, 904, 1)).toBeNull();
  expect(flows.take(server, 905, 1)).not.toBeNull();
});
