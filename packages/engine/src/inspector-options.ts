import type { Matcher } from '@portcullis/matcher';
import type { ProtocolDefinition } from '@portcullis/protocols';
import type { StreamOptions } from '@portcullis/reassembly';
import type { AddressTableData } from '@portcullis/web-addresses';
import type { Detection } from './detection';
import type { DetectionPolicy } from './detection-policy';
import type { EarlierConnectionSettings } from './earlier-connections';
import type { PacketLayers } from './packet-layers';
import type { ParserMemoryOptions } from './parser-memory';
import type { PacketSender } from './segment-builder';

/** How the kernel takes over connections that need no more inspection. */
export interface OffloadMark {
  /** Bits of the packet mark that are ours. */
  mask: number;
  /** Their value for "offloaded" in the current generation. */
  mark: number;
}

export interface InspectorOptions {
  matcher: Matcher;
  protocols: readonly ProtocolDefinition[];
  /** Memory of `ExpectedFlows` that other inspectors have too; absent: its own. */
  expectedFlows?: SharedArrayBuffer;
  stream: Partial<StreamOptions>;
  /** Packets are dropped where the policy says so; else everything is only told. */
  inline: boolean;
  /** What is done about the matches of the rules in force; absent: all of them are told. */
  policy?: DetectionPolicy | null;
  /** Web addresses that are looked for; absent: none. */
  webAddresses?: AddressTableData | null;
  /** What is done about them, and whose they are looked for; absent: as `policy` says. */
  webAddressPolicy?: DetectionPolicy;
  /** What parsers may hold; see `ParserMemoryOptions`. */
  appLayer?: Partial<ParserMemoryOptions>;
  /** What becomes of packets whose headers make no sense. */
  decodePolicy: 'open' | 'closed';
  offload: OffloadMark | null;
  /**
   * Packets are copies from a watched interface: no firewall has taken out the connections that the policy leaves out, and
   * both directions come in by the same interface.
   */
  copies?: boolean;
  /** Absent: a packet is one packet, as the kernel has put it together. */
  layers?: PacketLayers;
  /** Asked where the source says that nobody has verified the checksum; absent: checksums are not looked at. */
  verifyChecksum?: (place: number) => boolean;
  onDetection(detection: Detection): void;
  /** Sends resets, of reject rules and to earlier connections; absent: none are sent. */
  sender?: PacketSender;
  /** Absent: connections from before the inspection are adopted. */
  earlier?: EarlierConnectionSettings | null;
  /** A drop on a datagram drops the rest of its flow too; default: the datagram only. */
  dropDatagramFlows?: boolean;
  /** Sources that attack are dropped by the worker itself for so long (µs); 0: not. */
  holdBlockedMicros: number;
}
