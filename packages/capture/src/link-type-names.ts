import { LinkType } from '@portcullis/wire';

// Those that turn up in captures of networks; numbers and names from www.tcpdump.org/linktypes.html.
const NAMES: ReadonlyMap<number, string> = new Map([
  [LinkType.NULL, 'BSD loopback'],
  [LinkType.ETHERNET, 'Ethernet'],
  [3, 'AX.25'],
  [6, 'Token Ring'],
  [7, 'ARCNET'],
  [8, 'SLIP'],
  [LinkType.PPP, 'PPP'],
  [10, 'FDDI'],
  [LinkType.DLT_RAW, 'raw IP'],
  [LinkType.DLT_RAW_OPENBSD, 'raw IP'],
  [LinkType.PPP_HDLC, 'PPP in HDLC framing'],
  [LinkType.PPP_ETHER, 'PPPoE'],
  [100, 'ATM with LLC'],
  [LinkType.RAW, 'raw IP'],
  [LinkType.C_HDLC, 'Cisco HDLC'],
  [105, 'IEEE 802.11'],
  [107, 'Frame Relay'],
  [LinkType.LOOP, 'OpenBSD loopback'],
  [LinkType.LINUX_SLL, 'Linux cooked capture'],
  [114, 'LocalTalk'],
  [117, 'OpenBSD pflog'],
  [119, 'IEEE 802.11 with Prism header'],
  [127, 'IEEE 802.11 with radiotap header'],
  [147, 'user-defined 0'],
  [163, 'IEEE 802.11 with AVS header'],
  [187, 'Bluetooth HCI'],
  [189, 'USB (Linux)'],
  [192, 'per-packet information'],
  [195, 'IEEE 802.15.4'],
  [201, 'Bluetooth HCI with direction'],
  [220, 'USB (Linux, padded)'],
  [LinkType.IPV4, 'raw IPv4'],
  [LinkType.IPV6, 'raw IPv6'],
  [230, 'IEEE 802.15.4 without FCS'],
  [239, 'Linux NFLOG'],
  [249, 'USBPcap'],
  [251, 'Bluetooth Low Energy'],
  [LinkType.LINUX_SLL2, 'Linux cooked capture v2'],
]);

/** A name for people, with the number: `Ethernet (1)`. */
export function describeLinkType(linkType: number): string {
  return `${NAMES.get(linkType) ?? 'unknown link type'} (${linkType})`;
}
