import {
  formatAddress,
  PacketView,
  TcpFlag,
  verifyHeaderChecksum,
  verifyTransportChecksum,
} from '@portcullis/wire';
import { ResetBuilder } from './reset';

/** A TCP segment from 10.0.0.1:1000 to 10.0.0.2:80 (or the same in IPv6) with 5 bytes of payload. */
function segment(version: 4 | 6): PacketView {
  const tcp = [
    0x03,
    0xe8,
    0x00,
    0x50,
    0xff,
    0xff,
    0xff,
    0xfe,
    0x00,
    0x00,
    0x30,
    0x39,
    0x50,
    TcpFlag.ACK | TcpFlag.PSH,
    0x20,
    0,
    0,
    0,
    0,
    0,
    1,
    2,
    3,
    4,
    5,
  ];
  const ipv4 = [0x45, 0, 0, 45, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
  const address = (last: number) => [0xfd, ...Array(14).fill(0), last];
  const ipv6 = [0x60, 0, 0, 0, 0, 25, 6, 64, ...address(1), ...address(2)];
  const bytes = Uint8Array.from([...(version === 4 ? ipv4 : ipv6), ...tcp]);
  const view = new PacketView();
  expect(view.decode(bytes, 0, bytes.length)).toBe(0);
  return view;
}

test.each([4, 6] as const)(
  'IPv%d: both ends get a reset with the sequence number they wait for',
  (version) => {
    const sent: PacketView[] = [];
    const sender = {
      send(bytes: Uint8Array, offset: number, length: number) {
        const view = new PacketView();
        expect(view.decode(bytes.slice(offset, offset + length), 0, length)).toBe(0);
        sent.push(view);
      },
    };
    expect(new ResetBuilder().send(segment(version), sender)).toBe(true);
    expect(sent).toHaveLength(2);
    const [toServer, toClient] = sent as [PacketView, PacketView];
    for (const view of sent) {
      expect(view.version).toBe(version);
      expect(verifyHeaderChecksum(view) && verifyTransportChecksum(view)).toBe(true);
      expect(view.tcpFlags).toBe(TcpFlag.RST | TcpFlag.ACK);
    }
    expect(toServer).toMatchObject({
      sourcePort: 1000,
      destinationPort: 80,
      sequence: 0xfffffffe,
      acknowledgment: 12345,
    });
    expect(toClient).toMatchObject({
      sourcePort: 80,
      destinationPort: 1000,
      sequence: 12345,
      acknowledgment: 3,
    });
    expect(formatAddress(toClient.destination)).toBe(version === 4 ? '10.0.0.1' : 'fd00::1');
  },
);

test('a reset is not answered with a reset', () => {
  const packet = segment(4);
  packet.tcpFlags = TcpFlag.RST;
  expect(new ResetBuilder().send(packet, { send: () => expect(true).toBe(false) })).toBe(false);
});
