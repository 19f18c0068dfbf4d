import { IpSetError } from '@portcullis/nfqueue-binding';
import { FirewallWatch, foundBy } from './firewall-watch';
import type { Iptables, IptablesVariant } from './iptables';
import type { Family } from './names';
import type { InstallPlan } from './plan';
import { type FirewallState, parseSave } from './table-state';

const PLAN: InstallPlan = {
  queues: { first: 0, last: 0 },
  failOpen: true,
  markMask: 0x00f00000,
  generation: 0,
  hooks: { forward: true, input: true, output: true },
  ports: [
    { first: 80, last: 80 },
    { first: 100, last: 109 },
  ],
  excludedInterfaces: [],
  monitoring: false,
};
const RIGHT = parseSave(
  '*raw\n:PREROUTING ACCEPT [0:0]\n:portcullis - [0:0]\n-A PREROUTING -j portcullis\nCOMMIT\n',
);
const EMPTY = parseSave('*raw\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n');
const EXPECTED = new Map<Family, FirewallState>([[4, RIGHT]]);

let state: FirewallState;
let generation: number;
let readings: string[];
let ports: number | null;
let missing: string[];

/** @param observe what the resident shell answers */
function watching(variant: IptablesVariant, observe = async () => state): FirewallWatch {
  const tables = (who: string, read: () => Promise<FirewallState>) =>
    ({
      variant,
      name: () => 'iptables',
      state: () => {
        readings.push(who);
        return read();
      },
    }) as unknown as Iptables;
  return new FirewallWatch({
    iptables: tables('program', async () => state),
    observer: tables('shell', observe),
    sets: {
      exists: (name) => !missing.includes(name),
      count: async (name) => {
        if (ports === null) throw new IpSetError('SET_MISSING', `no set ${name}`);
        return ports;
      },
      tableGeneration: () => generation,
    },
    bans: { missing: () => missing.filter((name) => name.startsWith('portcullis_ban')) },
  });
}
const look = async (watch: FirewallWatch, plan = PLAN) => foundBy(await watch.look(plan, EXPECTED));

beforeEach(() => {
  state = RIGHT;
  generation = 7;
  readings = [];
  ports = 11;
  missing = [];
});

test('tables are read when the kernel says that they have changed, and until they are right', async () => {
  const watch = watching('nft');
  expect(watch.mayHaveChanged).toBe(true);
  expect(await look(watch)).toEqual([]);
  expect(watch.mayHaveChanged).toBe(false);
  expect(await look(watch)).toEqual([]);
  expect(readings).toEqual(['shell']);
  generation = 8;
  state = EMPTY;
  expect(watch.mayHaveChanged).toBe(true);
  expect((await look(watch)).length).toBeGreaterThan(0);
  expect((await look(watch)).length).toBeGreaterThan(0);
  state = RIGHT;
  expect(await look(watch)).toEqual([]);
  expect(readings).toHaveLength(4);
  watch.written();
  expect(watch.mayHaveChanged).toBe(true);
});

test('legacy tables say nothing, and are read each time', async () => {
  const watch = watching('legacy');
  await look(watch);
  await look(watch);
  expect([readings, watch.mayHaveChanged]).toEqual([['shell', 'shell'], false]);
});

test('what the shell cannot say a program is asked for', async () => {
  const watch = watching('nft', () => Promise.reject(new Error('gone')));
  expect(await look(watch)).toEqual([]);
  expect(readings).toEqual(['shell', 'program']);
});

test('sets that are missing, or whose ports others have changed, are named', async () => {
  const watch = watching('nft');
  ports = 12;
  expect(await look(watch)).toEqual(['ipset: set portcullis_ports was changed']);
  ports = null;
  missing = ['portcullis_ban6', 'portcullis_ports', 'portcullis_decoy'];
  const gone = (name: string) => `ipset: set ${name} is gone`;
  expect(await look(watch)).toEqual([gone('portcullis_ban6'), gone('portcullis_ports')]);
  expect(await look(watch, { ...PLAN, monitoring: true })).toEqual([gone('portcullis_ports')]);
});
