import { SeededRandom } from '@portcullis/testkit';
import { LinkStatus, LinkStatusNames, LinkType, LinkView } from './link';

const IPV4 = [0x45, 0, 0, 20, ...new Array<number>(16).fill(0)];
const IPV6 = [0x60, ...new Array<number>(39).fill(0)];
const ADDRESSES = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
const link = new LinkView();

function decode(linkType: number, frame: number[]): string {
  // Surrounded by other bytes, as in an arena.
  const arena = Uint8Array.from([9, 9, 9, ...frame, 9, 9, 9]);
  return LinkStatusNames[link.decode(linkType, arena, 3, 3 + frame.length)];
}

test('every status has a name of its own', () => {
  expect(Object.values(LinkStatus)).toEqual(LinkStatusNames.map((_, status) => status));
});

describe('link headers', () => {
  test.each<[string, number, number[], number]>([
    ['Ethernet, IPv4', 1, [...ADDRESSES, 8, 0], 14],
    ['Ethernet, IPv6', 1, [...ADDRESSES, 0x86, 0xdd], 14],
    ['VLAN', 1, [...ADDRESSES, 0x81, 0, 0xe0, 100, 8, 0], 18],
    ['QinQ', 1, [...ADDRESSES, 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0], 22],
    ['old QinQ', 1, [...ADDRESSES, 0x91, 0, 0, 1, 0x81, 0, 0, 2, 8, 0], 22],
    ['MPLS', 1, [...ADDRESSES, 0x88, 0x47, 0, 1, 0x01, 64], 18],
    ['two MPLS labels', 1, [...ADDRESSES, 0x88, 0x48, 0, 1, 0x00, 64, 0, 2, 0x01, 64], 22],
    ['MPLS, explicit null', 1, [...ADDRESSES, 0x88, 0x47, 0, 0, 0x01, 64], 18],
    [
      'MPLS with a pseudo-wire',
      1,
      [...ADDRESSES, 0x88, 0x47, 0, 1, 0x01, 64, 0, 0, 0, 0, ...ADDRESSES, 8, 0],
      36,
    ],
    ['NSH', 1, [...ADDRESSES, 0x89, 0x4f, 0, 2, 2, 1, 0, 0, 0, 1], 22],
    ['NSH with Ethernet', 1, [...ADDRESSES, 0x89, 0x4f, 0, 2, 2, 3, 0, 0, 0, 1, ...ADDRESSES, 8, 0], 36],
    ['VN-Tag', 1, [...ADDRESSES, 0x89, 0x26, 0, 0, 0, 0, 8, 0], 20],
    ['E-Tag', 1, [...ADDRESSES, 0x89, 0x3f, 0, 0, 0, 0, 0, 0, 8, 0], 22],
    ['802.1ah', 1, [...ADDRESSES, 0x88, 0xe7, 0, 0, 0, 1, ...ADDRESSES, 8, 0], 32],
    ['Ethernet in Ethernet', 1, [...ADDRESSES, 0x65, 0x58, ...ADDRESSES, 8, 0], 28],
    ['PPPoE', 1, [...ADDRESSES, 0x88, 0x64, 0x11, 0, 0, 1, 0, 22, 0, 0x21], 22],
    [
      'PPPoE, IPv6, in a VLAN',
      1,
      [...ADDRESSES, 0x81, 0, 0, 7, 0x88, 0x64, 0x11, 0, 0, 1, 0, 42, 0, 0x57],
      26,
    ],
    ['SNAP', 1, [...ADDRESSES, 0, 28, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0], 22],
    ['raw', 101, [], 0],
    ['raw 12', 12, [], 0],
    ['raw 14', 14, [], 0],
    ['raw IPv4', 228, [], 0],
    ['raw IPv6', 229, [], 0],
    ['null, little-endian', 0, [2, 0, 0, 0], 4],
    ['null, big-endian', 0, [0, 0, 0, 30], 4],
    ['loopback', 108, [0, 0, 0, 24], 4],
    ['SLL', 113, [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0], 16],
    ['SLL with a VLAN', 113, [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0, 0, 5, 8, 0], 20],
    ['SLL2', 276, [8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], 20],
    ['PPP', 9, [0xff, 3, 0, 0x21], 4],
    ['PPP, compressed', 9, [0x21], 1],
    ['PPP, without address and control', 50, [0, 0x57], 2],
    ['PPPoE link type', 51, [0x11, 0, 0, 1, 0, 22, 0, 0x21], 8],
    ['Cisco HDLC', 104, [0x0f, 0, 8, 0], 4],
  ])('%s', (_name, linkType, header, offset) => {
    expect(decode(linkType, [...header, ...IPV4])).toBe('ok');
    expect(link.network).toBe(3 + offset);
    expect(decode(linkType, [...header, ...IPV6])).toBe('ok');
  });

  test.each<[string, string, number, number[]]>([
    ['ARP', 'not-ip', 1, [...ADDRESSES, 8, 6, ...IPV4]],
    ['spanning tree', 'not-ip', 1, [...ADDRESSES, 0, 38, 0x42, 0x42, 3, ...IPV4]],
    ['SNAP with another organisation', 'not-ip', 1, [...ADDRESSES, 0, 38, 0xaa, 0xaa, 3, 0, 0, 12, 8, 0]],
    ['PPPoE discovery', 'not-ip', 1, [...ADDRESSES, 0x88, 0x63, 0x11, 9, 0, 0, 0, 0]],
    [
      'PPPoE session with a wrong code',
      'not-ip',
      1,
      [...ADDRESSES, 0x88, 0x64, 0x11, 9, 0, 0, 0, 0, 0, 0x21],
    ],
    ['PPP control', 'not-ip', 9, [0xff, 3, 0xc0, 0x21, 1, 2]],
    [
      'MPLS with half a pseudo-wire',
      'link-header-truncated',
      1,
      [...ADDRESSES, 0x88, 0x47, 0, 1, 0x01, 64, 0],
    ],
    ['MPLS with something else', 'not-ip', 1, [...ADDRESSES, 0x88, 0x47, 0, 1, 0x01, 64, 0x50, 0, 0, 0]],
    ['another address family', 'not-ip', 0, [7, 0, 0, 0, ...IPV4]],
    ['no family at all', 'not-ip', 0, [0, 2, 0, 0, ...IPV4]],
    ['no bytes', 'link-header-truncated', 1, []],
    ['half an address', 'link-header-truncated', 1, ADDRESSES.slice(0, 8)],
    ['half a type', 'link-header-truncated', 1, [...ADDRESSES, 8]],
    ['nothing behind the type', 'link-header-truncated', 1, [...ADDRESSES, 8, 0]],
    ['half a VLAN tag', 'link-header-truncated', 1, [...ADDRESSES, 0x81, 0, 0, 1, 8]],
    ['half a label', 'link-header-truncated', 1, [...ADDRESSES, 0x88, 0x47, 0, 1]],
    ['nothing behind the labels', 'link-header-truncated', 1, [...ADDRESSES, 0x88, 0x47, 0, 1, 1, 64]],
    ['half a PPPoE header', 'link-header-truncated', 1, [...ADDRESSES, 0x88, 0x64, 0x11, 0, 0]],
    ['half a PPP protocol', 'link-header-truncated', 9, [0xff, 3, 0]],
    ['half a family', 'link-header-truncated', 0, [2, 0, 0]],
    ['half an SLL header', 'link-header-truncated', 113, new Array<number>(15).fill(0)],
    ['half an SLL2 header', 'link-header-truncated', 276, new Array<number>(19).fill(0)],
    ['empty raw frame', 'link-header-truncated', 101, []],
    ['half an HDLC header', 'link-header-truncated', 104, [0x0f, 0, 8]],
    ['802.11', 'unsupported-link-type', 105, [...IPV4]],
    ['radiotap', 'unsupported-link-type', 127, [...IPV4]],
  ])('%s: %s', (_name, status, linkType, frame) => {
    expect(decode(linkType, frame)).toBe(status);
  });

  test('VLAN ids', () => {
    decode(1, [...ADDRESSES, 0x88, 0xa8, 0xf1, 0x23, 0x81, 0, 0x04, 0x56, 0x81, 0, 0, 9, 8, 0, ...IPV4]);
    expect(link).toMatchObject({ vlanCount: 3, vlan: 0x123, innerVlan: 0x456 });
    decode(1, [...ADDRESSES, 8, 0, ...IPV4]);
    expect(link).toMatchObject({ vlanCount: 0, vlan: 0, innerVlan: 0 });
  });

  test('hardware addresses', () => {
    decode(1, [...ADDRESSES, 8, 0, ...IPV4]);
    expect(link).toMatchObject({ hardware: 3 + 6, hardwareLength: 6 });
    decode(113, [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0, ...IPV4]);
    expect(link).toMatchObject({ hardware: 3 + 6, hardwareLength: 6 });
    // Longer addresses are cut to what the header can hold.
    decode(113, [0, 0, 0, 1, 0, 20, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0, ...IPV4]);
    expect(link.hardwareLength).toBe(8);
    decode(276, [8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 255, 2, 0, 0, 0, 0, 1, 0, 0, ...IPV4]);
    expect(link).toMatchObject({ hardware: 3 + 12, hardwareLength: 8 });
    decode(101, IPV4);
    expect(link).toMatchObject({ hardware: -1, hardwareLength: 0 });
  });

  test('endless tags and labels', () => {
    const tags = new Array<number[]>(17).fill([0, 1, 0x81, 0]).flat();
    expect(decode(1, [...ADDRESSES, 0x81, 0, ...tags, 0, 1, 8, 0, ...IPV4])).toBe('too-many-tags');
    const labels = new Array<number[]>(17).fill([0, 1, 0, 64]).flat();
    expect(decode(1, [...ADDRESSES, 0x88, 0x47, ...labels, 0, 1, 1, 64, ...IPV4])).toBe('too-many-tags');
  });

  test('no frame of any link type leads outside of it', () => {
    SeededRandom.run((random) => {
      const types = [...Object.values(LinkType), 105];
      const likely = [0x81, 0, 0x88, 0xa8, 0x47, 0x64, 8, 0x11, 0x21, 0xff, 3, 0xaa];
      for (let round = 0; round < (process.env.PORTCULLIS_LONG ? 20_000 : 4000); round++) {
        const frame = Array.from(
          { length: random.below(60) },
          () => likely[random.below(24)] ?? random.below(256),
        );
        const type = random.pick(types);
        if (decode(type, frame) !== 'ok') continue;
        const end = 3 + frame.length;
        const inside = link.network >= 3 && link.network < end && link.hardware + link.hardwareLength <= end;
        if (!inside) throw new Error(`link type ${type}, frame ${frame} leads to ${link.network}`);
      }
    });
  });
});
