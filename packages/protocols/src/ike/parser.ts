/** IKE of one flow: each datagram is a message and a transaction. */

import { DatagramParser } from '../framing/datagram-parser';
import { type Direction, Direction as Directions, type TransactionListener } from '../transaction';
import { IkeEvent } from './buffers';
import { Attributes, type IkeTransaction } from './ike-transaction';
import { readVersion1 } from './version1';
import { readVersion2 } from './version2';

export const HEADER_BYTES = 28;
const NEXT_PAYLOAD_AT = 16;
const VERSION_AT = 17;
const FLAGS_AT = 19;
const ENCRYPTED = 1;

export class IkeParser extends DatagramParser {
  readonly protocol = 'ike';
  /** Version 1: transforms that the responder has chosen so far. */
  private chosenTransforms = 0;
  /** Version 2: the algorithms that the responder has chosen; null: none yet. */
  private chosen: Attributes | null = null;

  /** @param tx shared by all parsers of a worker */
  constructor(
    private readonly tx: IkeTransaction,
    listener: TransactionListener,
  ) {
    super(listener);
  }

  protected message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    const version = end - start >= HEADER_BYTES ? bytes[start + VERSION_AT] >> 4 : 0;
    if (version !== 1 && version !== 2) {
      this.listener.onEvent(null, direction, IkeEvent.MALFORMED_DATA);
      return false;
    }
    const { tx } = this;
    tx.direction = direction;
    tx.begin(this.transactions++, version, bytes, start);
    const type = bytes[start + NEXT_PAYLOAD_AT];
    if (version === 1) this.version1(direction, bytes, start, end, type);
    else this.version2(direction, bytes, start, end, type);
    this.announce(tx);
    tx.end();
    return true;
  }

  protected override endAll(): void {
    this.chosen = null;
    this.chosenTransforms = 0;
  }

  override heldBytes(): number {
    return this.chosen === null ? 0 : this.chosen.bytes.length;
  }

  private version1(direction: Direction, bytes: Uint8Array, start: number, end: number, type: number): void {
    const { tx, listener } = this;
    if ((bytes[start + FLAGS_AT] & ENCRYPTED) !== 0) return;
    const reading = readVersion1(bytes, start + HEADER_BYTES, end, type, tx);
    if (direction === Directions.TO_CLIENT) {
      if (reading.association) this.chosenTransforms = 0;
      const before = this.chosenTransforms;
      this.chosenTransforms += reading.transforms;
      if (before <= 1 && this.chosenTransforms > 1) {
        listener.onEvent(tx, direction, IkeEvent.MULTIPLE_SERVER_PROPOSAL);
      }
    }
    if (reading.end < end) listener.onEvent(tx, direction, IkeEvent.PAYLOAD_EXTRA_DATA);
  }

  private version2(direction: Direction, bytes: Uint8Array, start: number, end: number, type: number): void {
    const { tx, listener } = this;
    const toClient = direction === Directions.TO_CLIENT;
    const attributes = toClient ? tx.attributes : null;
    // Each once, however many proposals have the flaw.
    const told = new Set<string>();
    readVersion2(bytes, start + HEADER_BYTES, end, type, attributes, (name) => {
      if (told.has(name)) return;
      told.add(name);
      listener.onEvent(tx, direction, name);
    });
    if (!toClient) return;
    // What was chosen stays chosen in the messages that follow.
    if (tx.attributes.end > 0) {
      this.chosen ??= new Attributes();
      this.chosen.bytes.set(tx.attributes.bytes);
      this.chosen.end = tx.attributes.end;
    } else if (this.chosen !== null) {
      tx.attributes.bytes.set(this.chosen.bytes);
      tx.attributes.end = this.chosen.end;
    }
  }
}
