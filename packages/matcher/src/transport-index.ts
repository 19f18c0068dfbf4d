import { TransportBit } from './compiled-rule';

/** In the order of `CompiledRuleSet.packetPlans`. */
export const TRANSPORT_BITS = [
  TransportBit.TCP,
  TransportBit.UDP,
  TransportBit.ICMP,
  TransportBit.ICMPV6,
  TransportBit.SCTP,
  TransportBit.OTHER,
] as const;

/** Place of a transport in `CompiledRuleSet.packetPlans`, by protocol number. */
export const TRANSPORT_INDEX = new Uint8Array(256).fill(5);
TRANSPORT_INDEX[6] = 0;
TRANSPORT_INDEX[17] = 1;
TRANSPORT_INDEX[1] = 2;
TRANSPORT_INDEX[58] = 3;
TRANSPORT_INDEX[132] = 4;

/** `TransportBit`s of the protocol numbers for which `wanted` is true. */
export function transportsOf(wanted: (protocol: number) => boolean): number {
  let transports = 0;
  for (let protocol = 0; protocol < 256; protocol++) {
    if (wanted(protocol)) transports |= TRANSPORT_BITS[TRANSPORT_INDEX[protocol]];
  }
  return transports;
}
