import type {
  Direction,
  ProtocolDefinition,
  ProtocolParser,
  TransactionListener,
} from '@portcullis/protocols';
import { type FlowInspection, ProtocolState } from './flow-inspection';

/** First bytes of a direction that are looked at to tell the protocol. */
const PROBE_BYTES = 64;
/** Parsers kept for reuse, per protocol. */
const POOLED_PARSERS = 1024;

/**
 * Finds out which protocol a flow speaks, by its bytes and never by its port, and feeds the protocol's parser.
 */
export class AppLayer {
  private readonly pools: ProtocolParser[][];
  private readonly joined = new Uint8Array(PROBE_BYTES);

  constructor(
    private readonly protocols: readonly ProtocolDefinition[],
    private readonly listener: TransactionListener,
  ) {
    this.pools = protocols.map(() => []);
  }

  /** Name of a protocol number as it stands in `FlowInspection.protocol`; null for 0. */
  name(protocol: number): string | null {
    return this.protocols[protocol - 1]?.name ?? null;
  }

  data(flow: FlowInspection, direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (flow.parser !== null) flow.parser.feed(direction, bytes, start, end);
    else if (flow.protocolState === ProtocolState.UNDECIDED) this.probe(flow, direction, bytes, start, end);
  }

  gap(flow: FlowInspection, direction: Direction, length: number): void {
    if (flow.parser !== null) flow.parser.gap(direction, length);
    else this.giveUp(flow);
  }

  close(flow: FlowInspection, direction: Direction): void {
    flow.parser?.close(direction);
  }

  release(flow: FlowInspection): void {
    const { parser } = flow;
    if (parser === null) return;
    flow.parser = null;
    parser.reset();
    const pool = this.pools[flow.protocol - 1] as ProtocolParser[];
    if (pool.length < POOLED_PARSERS) pool.push(parser);
  }

  private probe(
    flow: FlowInspection,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const pending = flow.pending(direction);
    let from = bytes;
    let first = start;
    let last = Math.min(end, start + PROBE_BYTES);
    if (pending !== null) {
      const more = Math.min(end - start, PROBE_BYTES - pending.length);
      this.joined.set(pending, 0);
      this.joined.set(bytes.subarray(start, start + more), pending.length);
      from = this.joined;
      first = 0;
      last = pending.length + more;
    }
    let undecided = false;
    for (let number = 1; number <= this.protocols.length; number++) {
      const answer = (this.protocols[number - 1] as ProtocolDefinition).probe(direction, from, first, last);
      if (answer > 0) {
        this.start(flow, number, direction, bytes, start, end);
        return;
      }
      if (answer === 0) undecided = true;
    }
    // Whoever sends its first bytes one at a time is waited for, but no longer than the probe is long.
    if (undecided && last - first < PROBE_BYTES) flow.setPending(direction, from.slice(first, last));
    else this.giveUp(flow);
  }

  /** The protocol is known: its parser gets what both directions have sent so far. */
  private start(
    flow: FlowInspection,
    number: number,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const definition = this.protocols[number - 1] as ProtocolDefinition;
    const parser = (this.pools[number - 1] as ProtocolParser[]).pop() ?? definition.create(this.listener);
    flow.protocol = number;
    flow.protocolState = ProtocolState.KNOWN;
    flow.parser = parser;
    const other: Direction = direction === 0 ? 1 : 0;
    for (const side of [other, direction] as const) {
      const pending = flow.pending(side);
      flow.setPending(side, null);
      if (pending !== null) parser.feed(side, pending, 0, pending.length);
    }
    parser.feed(direction, bytes, start, end);
  }

  private giveUp(flow: FlowInspection): void {
    flow.protocolState = ProtocolState.UNKNOWN;
    flow.setPending(0, null);
    flow.setPending(1, null);
  }
}
