/** Packets of every kind that the headers know. */

import { buildIcmp, buildIp, buildTcp, buildUdp, fragmentPacket } from '@portcullis/testkit';

const IPV4 = { source: '192.0.2.1', destination: '198.51.100.2' };
const IPV6 = { source: '2001:db8::1', destination: '2001:db8:2::2' };

export function packetSeeds(): Uint8Array[] {
  return [IPV4, IPV6].flatMap((address) => {
    const tcp = buildTcp({
      ...address,
      sourcePort: 40_000,
      destinationPort: 80,
      sequence: 1000,
      acknowledgment: 2000,
      flags: 0x18,
      payload: 'GET / HTTP/1.0\r\n\r\n',
    });
    const udp = (destinationPort: number, payload: Uint8Array) =>
      buildUdp({ ...address, sourcePort: 40_001, destinationPort, payload });
    const ethernet = Buffer.concat([
      Buffer.alloc(12, 2),
      Buffer.from(address === IPV4 ? '0800' : '86dd', 'hex'),
    ]);
    const vxlan = Buffer.concat([Buffer.from('0800000000000100', 'hex'), ethernet, tcp]);
    const geneve = Buffer.concat([Buffer.from('0100655800000100', 'hex'), Buffer.alloc(4), ethernet, tcp]);
    const gre = Buffer.concat([Buffer.from(address === IPV4 ? '00000800' : '000086dd', 'hex'), tcp]);
    return [
      tcp,
      udp(53, Buffer.from('123401000001000000000000076578616d706c6503636f6d0000010001', 'hex')),
      udp(4789, vxlan),
      udp(6081, geneve),
      udp(3544, tcp),
      buildIcmp({ ...address, type: address === IPV4 ? 8 : 128, code: 0, payload: 'ping' }),
      buildIcmp({ ...address, type: address === IPV4 ? 3 : 1, code: 1, payload: tcp }),
      buildIp({ ...address, protocol: 47, payload: gre }),
      buildIp({ ...address, protocol: address === IPV4 ? 4 : 41, payload: tcp }),
      buildIp({ ...address, protocol: 132, payload: Buffer.alloc(24, 1) }),
      ...fragmentPacket(tcp, 24),
    ];
  });
}
