import {
  type BufferView,
  type Direction,
  Direction as Directions,
  type MatchState,
  type ProtocolParser,
  type Transaction,
  type TransactionListener,
  Transport,
} from '../transaction';
import { MessageAssembly } from './message-assembly';

const BOTH = 3;

/**
 * What parsers of protocols have in common whose bytes are messages with a length (over TCP) or a datagram each. A
 * subclass says how long a message is and what to do with it; what it keeps between messages it gives back in `endAll`.
 */
export abstract class MessageParser implements ProtocolParser {
  abstract readonly protocol: string;
  /** Transactions that were begun. */
  protected transactions = 0;
  private readonly assemblies: readonly [MessageAssembly, MessageAssembly] | null;
  private stopped = false;
  /** Directions that have ended; bits. */
  private closed = 0;
  /** Directions in which bytes are missing, so that what follows may be in the middle of a message; bits. */
  private unsure = 0;

  /** @param limit longest message over TCP, in bytes */
  constructor(
    protected readonly listener: TransactionListener,
    transport: Transport,
    limit: number,
  ) {
    this.assemblies =
      transport === Transport.TCP
        ? [this.assembly(Directions.TO_SERVER, limit), this.assembly(Directions.TO_CLIENT, limit)]
        : null;
  }

  /** As in `MessageReader`. */
  protected abstract messageLength(
    bytes: Uint8Array,
    start: number,
    end: number,
    direction: Direction,
  ): number;

  /** Takes a whole message. @returns false where the framing is lost; of datagrams each stands for itself */
  protected abstract message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean;

  /** Ends all open transactions. */
  protected endAll(): void {}

  /** Whether a message begins here, where bytes before are missing. */
  protected beginsMessage(_direction: Direction, _bytes: Uint8Array, _start: number, _end: number): boolean {
    return false;
  }

  /** The stream is no row of messages any more. */
  protected framingLost(_direction: Direction): void {}

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    if (this.stopped) return;
    const { assemblies } = this;
    if (assemblies === null) {
      this.message(direction, bytes, start, end);
      return;
    }
    if ((this.unsure & (1 << direction)) !== 0) {
      if (!this.beginsMessage(direction, bytes, start, end)) return;
      this.unsure &= ~(1 << direction);
    }
    if (assemblies[direction].feed(bytes, start, end)) return;
    this.framingLost(direction);
    this.stop();
  }

  gap(direction: Direction, _length: number): void {
    this.assemblies?.[direction].clear();
    this.unsure |= 1 << direction;
  }

  close(direction: Direction): void {
    this.assemblies?.[direction].clear();
    this.closed |= 1 << direction;
    if (this.closed === BOTH) this.stop();
  }

  heldBytes(): number {
    const { assemblies } = this;
    return assemblies === null ? 0 : assemblies[0].heldBytes() + assemblies[1].heldBytes();
  }

  reset(): void {
    this.stop();
    this.stopped = false;
    this.closed = 0;
    this.unsure = 0;
    this.transactions = 0;
  }

  /** No more of the flow is looked at. */
  protected stop(): void {
    this.stopped = true;
    this.assemblies?.[0].clear();
    this.assemblies?.[1].clear();
    this.endAll();
  }

  /** The connection carries another protocol from behind the message that is being taken. */
  protected upgrade(protocol: string, direction: Direction): void {
    const at = this.assemblies?.[direction].behind ?? 0;
    this.stop();
    this.listener.onUpgrade(protocol, at);
  }

  /** Shows a transaction that is its message: over once it was shown. */
  protected announce(tx: MessageTransaction): void {
    this.listener.onProgress(tx, tx.direction);
    this.listener.onTransactionEnd(tx);
    tx.matchState = null;
  }

  private assembly(direction: Direction, limit: number): MessageAssembly {
    return new MessageAssembly(
      {
        messageLength: (bytes, start, end) => this.messageLength(bytes, start, end, direction),
        message: (bytes, start, end) => this.message(direction, bytes, start, end),
      },
      limit,
    );
  }
}

/** The one progress of a message: it is there. */
export const MESSAGE_READ = 1;

/** A transaction of one message. It is over when it was shown, so the parsers of a worker may share one. */
export abstract class MessageTransaction implements Transaction {
  id = 0;
  matchState: MatchState = null;
  direction: Direction = Directions.TO_SERVER;

  progress(direction: Direction): number {
    return direction === this.direction ? MESSAGE_READ : 0;
  }

  abstract buffer(id: number, index: number, out: BufferView): boolean;
}
