import { parseAddress } from './address';
import { type CommunityIdTuple, communityId } from './community-id';

function tuple(
  source: string,
  destination: string,
  protocol: number,
  sourcePort = 0,
  destinationPort = 0,
): CommunityIdTuple {
  const icmp = protocol === 1 || protocol === 58;
  return {
    source: parseAddress(source) as Uint32Array,
    destination: parseAddress(destination) as Uint32Array,
    protocol,
    sourcePort: icmp ? 0 : sourcePort,
    destinationPort: icmp ? 0 : destinationPort,
    icmpType: icmp ? sourcePort : 0,
    icmpCode: icmp ? destinationPort : 0,
  };
}

describe('Community ID', () => {
  // Published with the specification (github.com/corelight/community-id-spec, baseline).
  test.each([
    ['128.232.110.120', '66.35.250.204', 6, 34855, 80, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
    ['66.35.250.204', '128.232.110.120', 6, 80, 34855, '1:LQU9qZlK+B5F3KDmev6m5PMibrg='],
    ['192.168.1.52', '8.8.8.8', 17, 54585, 53, '1:d/FP5EW3wiY1vCndhwleRRKHowQ='],
    ['8.8.8.8', '192.168.1.52', 17, 53, 54585, '1:d/FP5EW3wiY1vCndhwleRRKHowQ='],
    ['192.168.0.89', '192.168.0.1', 1, 8, 0, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk='],
    ['192.168.0.1', '192.168.0.89', 1, 0, 8, '1:X0snYXpgwiv9TZtqg64sgzUn6Dk='],
    ['fe80::200:86ff:fe05:80da', 'fe80::260:97ff:fe07:69ea', 58, 135, 0, '1:dGHyGvjMfljg6Bppwm3bg0LO8TY='],
  ] as const)('%s %s protocol %i %i %i', (source, destination, protocol, sourcePort, destinationPort, id) => {
    expect(communityId(tuple(source, destination, protocol, sourcePort, destinationPort))).toBe(id);
  });

  test('depends on the seed, the protocol and the ports', () => {
    const flow = tuple('10.0.0.1', '10.0.0.2', 6, 1, 2);
    const others = [
      communityId(flow, 1),
      communityId(flow, 256),
      communityId({ ...flow, protocol: 17 }),
      communityId({ ...flow, sourcePort: 3 }),
    ];
    expect(new Set([communityId(flow), ...others]).size).toBe(5);
  });

  test('ports of protocols without ports do not count, nor does direction with equal addresses', () => {
    expect(communityId(tuple('10.0.0.1', '10.0.0.2', 47, 1, 2))).toBe(
      communityId(tuple('10.0.0.2', '10.0.0.1', 47)),
    );
    expect(communityId(tuple('10.0.0.1', '10.0.0.1', 6, 1, 2))).toBe(
      communityId(tuple('10.0.0.1', '10.0.0.1', 6, 2, 1)),
    );
  });
});
