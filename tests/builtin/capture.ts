import { type ConversationPacket, interleave, TcpConversation } from '@portcullis/testkit';
import type { Exchange } from './exchange';

export interface CaptureForm {
  readonly ipv6?: boolean;
  /** Cuts what both sides say into segments of this many bytes. */
  readonly segment?: number;
  /** Number of the client, from 0: each has an address of its own. */
  readonly client?: number;
}

/** Connections begin so far apart, so that thresholds per minute see them together (microseconds). */
const BETWEEN_CONNECTIONS = 200_000;
const START = 1_767_225_600_000_000;

const SERVER = { 4: '198.51.100.20', 6: '2001:db8:2::20' } as const;

/** The address of client `number`: of the networks for benchmarks and documentation. */
export function clientAddress(number: number, ipv6 = false): string {
  return ipv6 ? `2001:db8:1::${(number + 1).toString(16)}` : `198.18.${number >> 8}.${number & 0xff}`;
}

/** The packets of one or several connections between the same two hosts. */
export function capture(
  traffic: Exchange | readonly Exchange[],
  form: CaptureForm = {},
): ConversationPacket[] {
  const exchanges: readonly Exchange[] = 'steps' in traffic ? [traffic] : traffic;
  return interleave(...exchanges.map((exchange, index) => conversation(exchange, index, form)));
}

function conversation({ port, steps }: Exchange, index: number, form: CaptureForm): TcpConversation {
  const result = new TcpConversation({
    client: clientAddress(form.client ?? 0, form.ipv6),
    server: SERVER[form.ipv6 ? 6 : 4],
    clientPort: 40_000 + index,
    serverPort: port,
    // The first connection wraps around early.
    clientSequence: 0xffff_ff00 + index * 7919,
    serverSequence: 77_000 + index * 104_729,
    startTime: START + index * BETWEEN_CONNECTIONS,
  }).handshake();
  for (const { from, bytes } of steps) {
    if (bytes.length === 0) continue;
    const { segment } = form;
    const segments = segment ? new Array<number>(Math.ceil(bytes.length / segment)).fill(segment) : [];
    result.send(from, bytes, { segments });
  }
  return result.close();
}
