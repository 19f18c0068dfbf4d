import { type Exclusion, excludedDevices, exemptions, interfacesOfVlan, scanExclusions } from './exclusions';

const VLANS = `VLAN Dev name	 | VLAN ID
Name-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD
eth0.5         | 5  | eth0
guests         | 7  | eth0
eth1.5         | 5  | eth1
`;

test('a VLAN is known by the interfaces that carry it', () => {
  expect(interfacesOfVlan(5, VLANS)).toEqual(['eth0.5', 'eth1.5']);
  expect(interfacesOfVlan(7, VLANS)).toEqual(['guests']);
  expect(interfacesOfVlan(6, VLANS)).toEqual([]);
  expect(interfacesOfVlan(5, '')).toEqual([]);
});

test('exclusions become rules of the kernel in their order', () => {
  expect(
    scanExclusions(
      [
        { src: '192.0.2.1/32', rule: 'do-not-block' },
        { dst: '198.51.100.0/24', port: { first: 443, last: 443 }, iface: 'eth0', rule: 'do-not-scan' },
        { vlan: 5, iface: 'eth1.5', rule: 'do-not-scan' },
        { vlan: 9, rule: 'do-not-scan' },
      ],
      VLANS,
    ),
  ).toEqual([
    { source: '192.0.2.1/32', scan: true },
    { destination: '198.51.100.0/24', port: { first: 443, last: 443 }, interfaces: ['eth0'], scan: false },
    { interfaces: ['eth1.5'], scan: false },
    // No interface carries it: the rule fits nothing, instead of everything.
    { interfaces: [], scan: false },
  ]);
});

test('to the workers an excluded interface is its index, and a VLAN its id and the interfaces that carry it', () => {
  const told = (exclusion: Exclusion, vlanTable = '') => exemptions([exclusion], vlanTable);
  expect(told({ iface: 'lo', rule: 'do-not-block' })).toEqual([{ interfaces: [1], scan: true }]);
  expect(told({ iface: 'nowhere0', rule: 'do-not-block' })).toEqual([{ interfaces: [], scan: true }]);
  expect(told({ vlan: 5, iface: 'lo', rule: 'do-not-scan' }, 'lo | 5 | eth0')).toEqual([
    { interfaces: [1], vlan: { id: 5, interfaces: [1] }, scan: false },
  ]);
  expect(told({ vlan: 6, rule: 'do-not-scan' })).toEqual([{ vlan: { id: 6, interfaces: [] }, scan: false }]);
});

test('whoever an exclusion names is let in; every address there is names nobody', () => {
  expect(
    excludedDevices([
      { src: '192.0.2.1/32', rule: 'do-not-block' },
      { src: '0.0.0.0/0', port: { first: 443, last: 443 }, rule: 'do-not-scan' },
      { port: { first: 80, last: 80 }, rule: 'do-not-scan' },
    ]),
  ).toEqual(['192.0.2.1/32']);
});
