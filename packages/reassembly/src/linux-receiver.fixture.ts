import { type Segment, toBytes } from './segment.fixture';

const difference = (a: number, b: number) => (a - b) | 0;

/**
 * The receiving half of a TCP socket, slowly: what Linux does with a segment in ESTABLISHED (tcp_input.c:
 * tcp_rcv_established, tcp_validate_incoming, tcp_ack, tcp_data_queue). Sequence numbers are on the wire; bytes
 * by stream offset.
 */
export class LinuxReceiver {
  /** What the application gets, in order. */
  readonly stream: number[] = [];
  /** Out-of-order segments in order of arrival. */
  private queue: { start: number; end: number; bytes: Uint8Array }[] = [];
  private finAt = -1;
  finished = false;
  reset = false;
  timestamp: number | undefined;
  /** Last acknowledgment sent, as a stream offset (rcv_wup). */
  acknowledged = 0;
  private right: number;

  constructor(
    /** ISN + 1 of the sender. */
    private readonly origin: number,
    private readonly window: number,
    /** Whose bytes count where two waiting segments overlap: stacks differ. */
    private readonly preference: 'first' | 'last',
    /** First sequence number the receiver itself has sent, and the next one. */
    private readonly sentFrom: number,
    private readonly sentTo: number,
  ) {
    this.right = window;
  }

  get next(): number {
    return this.stream.length + (this.finished ? 1 : 0);
  }

  receive(segment: Segment): void {
    if (this.reset) return;
    const data = toBytes(segment.data ?? '');
    const has = (letter: string) => segment.flags.includes(letter);
    if (!has('A') && !has('R') && !has('S')) return;
    const start = this.next + difference(segment.sequence >>> 0, (this.origin + this.next) >>> 0);
    const end = start + data.length + (has('F') ? 1 : 0) + (has('S') ? 1 : 0);
    if (segment.timestamp !== undefined && this.timestamp !== undefined && !has('R')) {
      // TCP_PAWS_WINDOW: one older is taken.
      if (difference(segment.timestamp, this.timestamp) < -1) return;
    }
    if (end < this.acknowledged || start > this.right) return;
    if (has('R')) {
      if (start === this.next) this.reset = true;
      return;
    }
    if (has('S') || !has('A')) return;
    const acknowledgment = (segment.acknowledgment ?? 0) >>> 0;
    if (difference(acknowledgment, this.sentTo) > 0) return;
    if (difference(acknowledgment, this.sentFrom) < -65_535) return;
    if (segment.timestamp !== undefined && start <= this.acknowledged) this.timestamp = segment.timestamp;

    if (this.finished) return;
    if (data.length > 0 && start < this.right && start + data.length > this.stream.length)
      this.queue.push({ start, end: start + data.length, bytes: data });
    if (has('F') && this.finAt < 0) this.finAt = start + data.length;
    this.drain();
  }

  /** An acknowledgment as it goes out now. */
  acknowledge(): number {
    this.acknowledged = this.next;
    this.right = Math.max(this.right, this.next + this.window);
    return this.next;
  }

  private drain(): void {
    while (this.finAt !== this.stream.length) {
      const at = this.stream.length;
      const covering = this.queue.filter((piece) => piece.start <= at && piece.end > at);
      if (covering.length === 0) break;
      const piece = this.preference === 'first' ? covering[0] : covering[covering.length - 1];
      this.stream.push(piece.bytes[at - piece.start]);
    }
    if (this.finAt === this.stream.length) this.finished = true;
    this.queue = this.queue.filter((piece) => piece.end > this.stream.length);
  }
}
