import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InterfaceNames } from './interfaces';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'net-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const add = (name: string, index: number | null) => {
  mkdirSync(join(directory, name));
  if (index !== null) writeFileSync(join(directory, name, 'ifindex'), `${index}\n`);
};

test('names indexes; an interface that has just gone disturbs nothing', () => {
  add('lo', 1);
  add('gone', null);
  add('eth0', 2);
  writeFileSync(join(directory, 'bonding_masters'), '');
  const names = new InterfaceNames(directory);
  expect([0, 1, 2, 3].map((index) => names.name(index))).toEqual([undefined, 'lo', 'eth0', undefined]);
});

test('does not read the folder again for every unknown index', () => {
  add('lo', 1);
  const names = new InterfaceNames(directory);
  expect(names.name(2)).toBeUndefined();
  add('eth0', 2);
  expect(names.name(2)).toBeUndefined();
});

test('knows the VLANs of an interface, the outermost first', () => {
  for (const [index, name] of ['eth0', 'eth0.10', 'inner'].entries()) add(name, index + 1);
  const table = join(directory, 'vlans');
  writeFileSync(
    table,
    'VLAN Dev name    | VLAN ID\nName-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD\neth0.10        | 10  | eth0\ninner          | 20  | eth0.10\n',
  );
  // The first that is asked about has its tags too.
  expect(new InterfaceNames(directory, table).vlans(3)).toEqual([10, 20]);
  const names = new InterfaceNames(directory, table);
  expect([1, 2, 3, 4].map((index) => names.vlans(index))).toEqual([[], [10], [10, 20], []]);
  expect(new InterfaceNames(directory, join(directory, 'nowhere')).vlans(2)).toEqual([]);
});

test('goes without names where there are none', () => {
  expect(new InterfaceNames(join(directory, 'nowhere')).name(1)).toBeUndefined();
});

test('knows the loopback interface of this host', () => {
  expect(new InterfaceNames().name(1)).toBe('lo');
});
