import type { DetectionKind, DetectionResponse } from './detection-policy';
import type { WebAddressFacts } from './web-address-inspection';

/** The rule behind a detection, as plain data that crosses threads. */
export interface DetectedRule {
  action: string;
  gid: number;
  sid: number;
  rev: number;
  msg: string;
  classtype: string | null;
  priority: number;
  metadata: Record<string, string[]>;
  references: string[];
  /** Groups of its expressions that its author wants told, by name; absent: none. */
  context?: Record<string, string>;
}

/** What a protocol tells of a transaction: its name, and the fields that EVE has under it. */
export interface TransactionFacts {
  protocol: string;
  facts: Record<string, unknown>;
}

/** A rule matched a packet: who, what, and what the worker did. Plain data; made only when something matches. */
export interface Detection {
  /** Microseconds since 1970. */
  time: number;
  rule: DetectedRule;
  source: string;
  sourcePort: number;
  destination: string;
  destinationPort: number;
  /** IP protocol number. */
  protocol: number;
  /** 4 or 6. */
  version: number;
  icmpType: number;
  icmpCode: number;
  /** 0 where the packet belongs to no flow. */
  flowId: number;
  direction: 'to_server' | 'to_client';
  appProtocol: string | null;
  transaction: TransactionFacts | null;
  txId: number | null;
  communityId: string;
  kind: DetectionKind;
  /** Of network activity and web addresses: under which name the configuration has what is done about it. */
  category: string | null;
  /** Which end is on the protected side; null: neither, or nobody has said what is protected. */
  protectedEnd: 'source' | 'destination' | null;
  /** The web address that was asked for; null: this is about something else. */
  webAddress: WebAddressFacts | null;
  /** What the policy says is to be done; `blocked` says whether the packet was dropped. */
  response: DetectionResponse;
  /** The peer acknowledged our side's initial sequence number exactly: the source address is real. */
  handshake: boolean;
  /** The packet was dropped; of a TCP connection, the rest will be too. */
  blocked: boolean;
  /** A reset was sent to both ends. */
  rejected: boolean;
  /** Interface index, 0 where unknown. */
  inInterface: number;
  vlan: number[];
  /** Hardware address of the previous hop, null where unknown. */
  hardwareAddress: string | null;
  /** Number of the packet within its capture, from 1; 0 on a live queue. */
  frame: number;
}
