import {
  type CapturedPacket,
  DEFAULT_CLIENT_IPV6,
  DEFAULT_SERVER_IPV6,
  interleave,
  TcpConversation,
} from '@portcullis/testkit';
import type { Exchange } from './exchange';

export interface CaptureForm {
  readonly ipv6?: boolean;
  /** Cuts what both sides say into segments of this many bytes. */
  readonly segment?: number;
}

/** Connections begin so far apart, so that thresholds per minute see them together (microseconds). */
const BETWEEN_CONNECTIONS = 200_000;
const START = 1_767_225_600_000_000;

/** The packets of one or several connections between the same two hosts. */
export function capture(traffic: Exchange | readonly Exchange[], form: CaptureForm = {}): CapturedPacket[] {
  const exchanges: readonly Exchange[] = 'steps' in traffic ? [traffic] : traffic;
  return interleave(...exchanges.map((exchange, index) => conversation(exchange, index, form)));
}

function conversation({ port, steps }: Exchange, index: number, form: CaptureForm): TcpConversation {
  const result = new TcpConversation({
    ...(form.ipv6 && { client: DEFAULT_CLIENT_IPV6, server: DEFAULT_SERVER_IPV6 }),
    clientPort: 40_000 + index,
    serverPort: port,
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
