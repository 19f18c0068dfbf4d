import type { Frames } from '../frames/frames';
import { MessageParser } from '../framing/message-parser';
import { type Direction, Direction as Directions, type TransactionListener, Transport } from '../transaction';
import type { DnsName } from './buffers';
import type { DnsTransaction } from './dns-transaction';
import { DnsEvent, FLAW_EVENTS } from './events';
import { MAX_TCP_MESSAGE } from './limits';
import { FLAG_RESERVED, FLAG_RESPONSE, plausibleHeader, Reading } from './message';

/** The highest opcode that has a meaning (RFC 8490). */
const LAST_OPCODE = 6;
const LENGTH_BYTES = 2;

/** The only kind of frame: a message without the length before it. */
const DNS_PDU = 0;
export const DNS_FRAMES = ['pdu'] as const;

/** DNS over UDP, or over TCP with a length before every message. Keeps nothing but a message that is not whole. */
export class DnsParser extends MessageParser {
  /** @param tx shared by all parsers of a worker */
  constructor(
    readonly protocol: DnsName,
    private readonly tx: DnsTransaction,
    private readonly frames: Frames,
    listener: TransactionListener,
    private readonly transport: Transport,
  ) {
    super(listener, transport, MAX_TCP_MESSAGE);
  }

  protected messageLength(bytes: Uint8Array, start: number, end: number): number {
    return end - start < LENGTH_BYTES ? 0 : LENGTH_BYTES + ((bytes[start] << 8) | bytes[start + 1]);
  }

  protected message(direction: Direction, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.transport === Transport.UDP) this.take(direction, bytes, start, end);
    // A length of 0 is passed over.
    else if (end - start > LENGTH_BYTES) this.take(direction, bytes, start + LENGTH_BYTES, end);
    return true;
  }

  protected override beginsMessage(
    _direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    if (end - start < LENGTH_BYTES) return false;
    return plausibleHeader(bytes, start + LENGTH_BYTES, end, (bytes[start] << 8) | bytes[start + 1]);
  }

  /** Servers refuse what is no message and read on behind it. */
  private take(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const { tx } = this;
    const { message } = tx;
    if (this.frames.wanted !== 0) this.frames.show(this.listener, direction, DNS_PDU, bytes, start, end);
    const reading = message.read(bytes, start, end);
    if (reading !== Reading.READ) {
      if (reading === Reading.MALFORMED) this.tell(null, direction, DnsEvent.MALFORMED_DATA);
      return;
    }
    const answers = (message.flags & FLAG_RESPONSE) !== 0;
    const toClient = direction === Directions.TO_CLIENT;
    const isDns = this.protocol === 'dns';
    if (isDns && answers && !toClient) {
      this.tell(null, direction, DnsEvent.NOT_REQUEST);
      return;
    }
    tx.begin(this.transactions++, direction, isDns ? toClient : answers);
    if (toClient && !answers && this.protocol !== 'mdns') this.tell(tx, direction, DnsEvent.NOT_RESPONSE);
    if ((message.flags & FLAG_RESERVED) !== 0) this.tell(tx, direction, DnsEvent.Z_FLAG_SET);
    if (message.opcode > LAST_OPCODE) this.tell(tx, direction, DnsEvent.INVALID_OPCODE);
    if (message.flaws !== 0) {
      for (const [flaw, event] of FLAW_EVENTS) {
        if ((message.flaws & flaw) !== 0) this.tell(tx, direction, event);
      }
    }
    this.announce(tx);
  }

  private tell(tx: DnsTransaction | null, direction: Direction, event: DnsEvent): void {
    this.listener.onEvent(tx, direction, `${this.protocol}.${event}`);
  }
}
