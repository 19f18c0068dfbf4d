import type { Transaction } from '../transaction';
import { MessageParser } from './message-parser';

/** What parsers have in common whose requests wait for responses; a subclass says how many may, and which belongs to which. */
export abstract class RequestParser<T extends Transaction> extends MessageParser {
  /** Requests without their response, the oldest first. */
  protected pending: T[] = [];

  protected override endAll(): void {
    const { pending } = this;
    this.pending = [];
    for (const tx of pending) this.end(tx);
  }

  /** Tells that a transaction is over. */
  protected end(tx: T): void {
    this.listener.onTransactionEnd(tx);
    tx.matchState = null;
  }
}
