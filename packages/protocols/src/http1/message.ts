/** One request with its response. */

import {
  type BufferView,
  type Direction,
  Direction as Directions,
  type MatchState,
  type Transaction,
} from '../transaction';
import type { Body } from './body';
import { Http1Buffer } from './buffer-ids';
import { fillBuffer } from './buffers';
import type { Http1Context } from './context';
import type { Head } from './head';
import { Method } from './methods';
import type { MultipartReader } from './multipart';
import { Http1Progress } from './progress';
import { RequestNotes } from './request-notes';

export class Http1Transaction implements Transaction {
  id = 0;
  matchState: MatchState = null;
  /** The direction whose buffers are meant by names that exist in both; set while the listener is called. */
  direction: Direction = Directions.TO_SERVER;
  requestProgress: number = Http1Progress.NONE;
  responseProgress: number = Http1Progress.NONE;
  /** Heads and bodies are there only while their bytes are; index with the direction. */
  readonly heads: (Head | null)[] = [null, null];
  readonly bodies: (Body | null)[] = [null, null];
  readonly trailers: (Head | null)[] = [null, null];
  /** Files of a multipart request body. */
  multipart: MultipartReader | null = null;
  /** Of the request, from its end on. */
  readonly notes = new RequestNotes();
  method: number = Method.UNKNOWN;
  /** The request is HTTP/0.9: its response has no head. */
  simple = false;
  /** An interim response was seen. */
  continued = false;
  /** The listener was called for this transaction. */
  announced = false;
  /** Something has changed that the listener has not seen; a bit for each direction. */
  dirty = 0;
  /** Bytes followed the request that were not announced. */
  overrun = false;
  requestDone = false;
  responseDone = false;
  /** It may be another protocol's bytes: it is not in the queue until its request line was seen. */
  tentative = false;
  /** Asks for another protocol on the connection, which the client may speak before it is answered: CONNECT, Upgrade. */
  switching = false;
  /** Its response has begun. */
  answered = false;
  /** What its parser counts it for while it waits, besides what all such transactions take; in bytes. */
  counted = 0;
  /** Next younger transaction of the flow that waits for its response. */
  next: Http1Transaction | null = null;
  /** Tells a reused object from what it was before. */
  serial = 0;

  constructor(readonly context: Http1Context) {}

  progress(direction: Direction): number {
    return direction === Directions.TO_SERVER ? this.requestProgress : this.responseProgress;
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    return fillBuffer(this, id, index, out);
  }

  seenOccurrences(id: number): number {
    return id === Http1Buffer.REQUEST_FILE_DATA && this.multipart !== null ? this.multipart.seen : 0;
  }

  /** Gives back the head of a direction. */
  dropHead(direction: Direction): void {
    const head = this.heads[direction];
    if (head !== null) this.context.giveHead(head);
    this.heads[direction] = null;
  }

  /** Gives back body and trailers of a direction. */
  dropBody(direction: Direction): void {
    const body = this.bodies[direction];
    if (body !== null) this.context.giveBody(body);
    this.bodies[direction] = null;
    const trailer = this.trailers[direction];
    if (trailer !== null) this.context.giveHead(trailer);
    this.trailers[direction] = null;
    if (direction === Directions.TO_SERVER && this.multipart !== null) {
      this.context.giveMultipart(this.multipart);
      this.multipart = null;
    }
  }

  /** Memory that this transaction holds, in bytes; itself is about 300. */
  heldBytes(): number {
    let held = 300;
    for (let direction = 0; direction < 2; direction++) {
      held += this.heads[direction]?.heldBytes() ?? 0;
      held += this.bodies[direction]?.heldBytes() ?? 0;
      held += this.trailers[direction]?.heldBytes() ?? 0;
    }
    return held;
  }

  clear(): void {
    this.dropHead(Directions.TO_SERVER);
    this.dropHead(Directions.TO_CLIENT);
    this.dropBody(Directions.TO_SERVER);
    this.dropBody(Directions.TO_CLIENT);
    this.notes.clear(this.context.pool);
    this.matchState = null;
    this.direction = Directions.TO_SERVER;
    this.requestProgress = Http1Progress.NONE;
    this.responseProgress = Http1Progress.NONE;
    this.method = Method.UNKNOWN;
    this.simple = false;
    this.continued = false;
    this.announced = false;
    this.dirty = 0;
    this.overrun = false;
    this.requestDone = false;
    this.responseDone = false;
    this.tentative = false;
    this.switching = false;
    this.answered = false;
    this.next = null;
    this.serial = (this.serial + 1) & 0x3fffffff;
  }
}
