/** Who sends: the side that opened the conversation, or the other. */
export type Side = 'client' | 'server';

/** A packet with its place in time and its direction. */
export interface ConversationPacket {
  /** From the IP header on. */
  readonly bytes: Uint8Array;
  /** Microseconds since 1970. */
  readonly time: number;
  readonly from: Side;
}

export interface Endpoints {
  readonly client?: string;
  readonly server?: string;
  readonly clientPort?: number;
  readonly serverPort?: number;
  /** Time of the first packet and distance of the next ones, in microseconds. */
  readonly startTime?: number;
  readonly step?: number;
  readonly ttl?: number;
}

/** 2024-01-01T00:00:00Z: conversations are the same whenever they are made. */
export const DEFAULT_START_TIME = 1_704_067_200_000_000;
export const DEFAULT_STEP = 1000;

/** Addresses of RFC 5737 and RFC 3849, reserved for documentation. */
export const DEFAULT_CLIENT = '192.0.2.10';
export const DEFAULT_SERVER = '198.51.100.20';
export const DEFAULT_CLIENT_IPV6 = '2001:db8:1::10';
export const DEFAULT_SERVER_IPV6 = '2001:db8:2::20';

/** Packets of several conversations in the order of their times. */
export function interleave(
  ...conversations: { readonly packets: readonly ConversationPacket[] }[]
): ConversationPacket[] {
  return conversations.flatMap((conversation) => [...conversation.packets]).sort((a, b) => a.time - b.time);
}
