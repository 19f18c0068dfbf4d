/**
 * HTTP/1 of one flow (RFC 9112, HTTP/0.9 to 1.1): two byte streams in, transactions out.
 *
 * Invariants:
 * - at rest, between two transactions, the parser holds no memory but its own few fields;
 * - every transaction that the listener has heard of ends with exactly one `onTransactionEnd`;
 * - each turn of a feed loop takes a byte or changes the state towards one that does.
 */

import { LONGEST_PIECE } from '../frames/growing-frames';
import {
  bytesOfMatchState,
  type Direction,
  Direction as Directions,
  type ProtocolParser,
  type TransactionListener,
} from '../transaction';
import { CR, LF } from './characters';
import { ChunkStatus } from './chunked';
import type { Http1Context } from './context';
import { EarlyBytes } from './early-bytes';
import { DirectedEvent, Http1Event } from './events';
import { Field } from './field-names';
import {
  emit,
  hasByteRanges,
  hasField,
  reportFraming,
  reportRequestHead,
  reportResponseHead,
} from './findings';
import { BodyFraming } from './framing';
import { type Head, HeadStatus } from './head';
import type { Http1Transaction } from './message';
import { appendToBody, beginBody, beginMultipart, endBody, readCodings } from './message-body';
import type { MessageFrames } from './message-frames';
import { Method } from './methods';
import { Mode, State } from './parser-state';
import { classifyLine, LineKind, looksLikeHttpRequest, looksLikeRequest, looksLikeResponse } from './probe';
import { Http1Progress } from './progress';
import { Version } from './start-line';
import { TransactionQueue } from './transaction-queue';
import { successor } from './upgrade';

const { TO_SERVER, TO_CLIENT } = Directions;
/** How a status line begins, for telling it from a body. */
const STATUS_LINE_START = Uint8Array.from('HTTP/1.', (c) => c.charCodeAt(0));
/** A line before a status line that is longer than this is the body. */
const LONGEST_JUNK_LINE = 1024;
/** How much of a feed a head in its own buffer takes at a time: what lies behind its end is copied for nothing. */
const PIECE = 2048;

/** What a request that waits takes besides its notes, as measured. */
const WAITING_OVERHEAD = 900;

const framing = new BodyFraming();

export class Http1Parser implements ProtocolParser {
  private requestState: number = State.IDLE;
  private responseState: number = State.IDLE;
  /** The request that is coming in. */
  private request: Http1Transaction | null = null;
  private readonly waiting = new TransactionQueue();
  /** Requests that were given up while they waited: as many responses have no request. */
  private forgotten = 0;
  private nextId = 0;
  private mode = 0;
  /** Bytes of all `RequestNotes`. */
  private noted = 0;
  /** Sent behind a CONNECT or Upgrade that waits for its answer, and no request. */
  private early: EarlyBytes | null = null;
  /** Only where a rule looks at frames. */
  private frames: MessageFrames | null = null;

  constructor(
    private readonly context: Http1Context,
    private readonly listener: TransactionListener,
  ) {}

  get protocol(): string {
    return 'http';
  }

  feed(direction: Direction, bytes: Uint8Array, start: number, end: number): void {
    const stop = Math.min(end, bytes.length);
    const first = Math.max(0, start);
    if (this.context.frames.wanted !== 0) this.frames ??= this.context.messageFrames(this.listener);
    if (this.frames === null) this.read(direction, bytes, first, stop);
    else this.readFramed(this.frames, direction, bytes, first, stop);
  }

  private read(direction: Direction, bytes: Uint8Array, start: number, stop: number): void {
    let i = start;
    if (direction === TO_SERVER) {
      if (this.requestState === State.LOST && i < stop) this.resumeRequest(bytes, i, stop);
      while (i < stop) {
        i = this.requestStep(bytes, i, stop);
        if (this.frames !== null) this.frames.step(TO_SERVER, i);
      }
      if (this.requestState === State.ENDING && (this.mode & Mode.UNEXPECTED_LINE) === 0)
        this.completeRequest(this.request!);
      if (this.request !== null) this.settle(this.request, TO_SERVER);
    } else {
      if (this.responseState === State.LOST && i < stop) this.resumeResponse(bytes, i, stop);
      while (i < stop) {
        i = this.responseStep(bytes, i, stop);
        if (this.frames !== null) this.frames.step(TO_CLIENT, i);
      }
      if (this.waiting.oldest?.answered) this.settle(this.waiting.oldest, TO_CLIENT);
      if ((this.mode & Mode.RESUMING) !== 0) this.resumeRequests();
    }
  }

  /** Reads what rules want to see as frames too, which hold so much at a time. */
  private readFramed(
    frames: MessageFrames,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    stop: number,
  ): void {
    for (let from = start; from < stop; from += LONGEST_PIECE) {
      const to = Math.min(stop, from + LONGEST_PIECE);
      frames.add(direction, bytes, from, to);
      this.read(direction, bytes, from, to);
      frames.settle(direction);
    }
  }

  gap(direction: Direction, length: number): void {
    if (!(length > 0)) return;
    this.frames?.skip(direction, length);
    this.passGap(direction, length);
    this.frames?.settle(direction);
  }

  private passGap(direction: Direction, length: number): void {
    const state = this.stateOf(direction);
    if (state === State.TUNNEL && direction === TO_SERVER && this.early !== null)
      this.early.missing += length;
    if (state === State.TUNNEL || state === State.CLOSED || state === State.LOST) return;
    const tx = direction === TO_SERVER ? this.request : this.waiting.oldest;
    const body = tx?.bodies[direction] ?? null;
    if (tx !== null && body !== null) {
      if (state === State.BODY_TO_CLOSE) {
        body.skip(length);
        return;
      }
      if (state === State.BODY_CHUNKED && body.chunks.skip(length)) {
        body.skip(length);
        return;
      }
      if (state === State.BODY_LENGTH) {
        const inside = Math.min(length, body.left);
        body.skip(inside);
        body.left -= inside;
        if (body.left === 0) this.finishBody(tx, direction);
        if (inside === length) return;
      }
    }
    if (tx !== null && (direction === TO_SERVER || tx.answered))
      this.event(tx, direction, Http1Event.INVALID_GAP);
    this.lose(direction);
  }

  close(direction: Direction): void {
    if (this.stateOf(direction) === State.CLOSED) return;
    this.endDirection(direction);
    this.frames?.close(direction);
  }

  private endDirection(direction: Direction): void {
    if (direction === TO_SERVER) {
      if (this.request !== null) this.closeRequest(this.request);
      this.requestState = State.CLOSED;
    } else {
      if (this.waiting.oldest?.answered) this.closeResponse(this.waiting.oldest);
      this.responseState = State.CLOSED;
      this.forgetEarly();
      // Nothing answers what still waits.
      while (this.waiting.oldest !== null) {
        const tx = this.waiting.oldest;
        this.waiting.remove(tx);
        tx.responseDone = true;
        this.endIfOver(tx);
      }
    }
  }

  heldBytes(): number {
    // Only the current request and the current response hold more than themselves.
    let held = this.waiting.length * WAITING_OVERHEAD + this.noted + (this.early?.heldBytes() ?? 0);
    held += this.frames?.heldBytes() ?? 0;
    if (this.request !== null) held += this.request.heldBytes();
    if (this.waiting.oldest !== null && this.waiting.oldest !== this.request)
      held += this.waiting.oldest.heldBytes();
    return held;
  }

  reset(): void {
    this.endAll(State.IDLE);
    this.forgetEarly();
    this.frames?.clear();
    this.frames = null;
    this.forgotten = 0;
    this.nextId = 0;
    this.mode = 0;
  }

  // --- requests ---

  private requestStep(bytes: Uint8Array, start: number, end: number): number {
    switch (this.requestState) {
      case State.IDLE: {
        const c = bytes[start];
        // In front of what may be another protocol they are a part of it.
        if ((c === LF || c === CR) && (this.mode & Mode.SWITCHING) === 0) return start + 1;
        this.beginRequest();
        return this.collect(TO_SERVER, this.request!.heads[TO_SERVER]!, bytes, start, end);
      }
      case State.START_LINE:
      case State.FIELDS:
        return this.collect(TO_SERVER, this.request!.heads[TO_SERVER]!, bytes, start, end);
      case State.TRAILER:
        return this.collect(TO_SERVER, this.trailer(this.request!, TO_SERVER), bytes, start, end);
      case State.BODY_LENGTH:
      case State.BODY_CHUNKED:
      case State.BODY_TO_CLOSE:
        return this.bodyStep(this.request!, TO_SERVER, bytes, start, end);
      case State.ENDING:
        return this.passUnexpected(this.request!, bytes, start, end);
      case State.TUNNEL:
        this.early?.add(bytes, start, end);
        return end;
      default:
        return end;
    }
  }

  private beginRequest(): void {
    const { context } = this;
    const tx = context.takeTransaction(this.nextId++);
    tx.heads[TO_SERVER] = context.takeHead();
    this.request = tx;
    this.requestState = State.START_LINE;
    this.frames?.begin(TO_SERVER);
    // Where another protocol may follow, a transaction exists only once its request line was seen.
    tx.tentative = (this.mode & Mode.SWITCHING) !== 0;
    if (!tx.tentative) this.enqueue(tx);
  }

  /** Reads on in a request head that has got more bytes. @returns a `HeadStatus` */
  private advanceRequest(head: Head, closed: boolean): number {
    const tx = this.request!;
    if (this.requestState === State.START_LINE) {
      if (tx.tentative) {
        const likely = looksLikeHttpRequest(head.bytes, head.base, head.base + head.length);
        if (likely < 0 || (likely === 0 && closed)) {
          this.discardRequest(head);
          return HeadStatus.COMPLETE;
        }
        if (likely === 0) return HeadStatus.INCOMPLETE;
        tx.tentative = false;
        this.enqueue(tx);
      }
      const status = head.scanStartLine(closed);
      if (status !== HeadStatus.START_LINE) return status;
      head.line.parseRequest(head);
      tx.method = head.line.method;
      this.requestState = State.FIELDS;
      if (head.line.version === Version.HTTP_0_9) {
        // HTTP/0.9 has nothing more to say: the line must be inspected now.
        tx.simple = true;
        tx.requestProgress = Http1Progress.LINE;
        tx.dirty |= 1 << TO_SERVER;
      }
    }
    return head.scanFields(closed);
  }

  /** The head is complete: what does it announce? */
  private finishRequestHead(tx: Http1Transaction, head: Head, overflow: boolean): void {
    const { decodeRequests } = this.context.options;
    tx.requestProgress = Http1Progress.HEADERS;
    tx.dirty |= 1 << TO_SERVER;
    reportRequestHead(this.listener, tx, head, overflow);
    if (overflow) {
      this.beginBody(tx, TO_SERVER, State.BODY_TO_CLOSE, 0);
      return;
    }
    tx.switching = tx.method === Method.CONNECT;
    if (!hasField(head, Field.TRANSFER_ENCODING) && !hasField(head, Field.CONTENT_LENGTH)) {
      tx.switching ||= successor(head) !== null;
      this.finishRequest(tx);
      return;
    }
    framing.read(head);
    reportFraming(this.listener, tx, TO_SERVER, framing, head.line.version);
    let layers = 0;
    if (decodeRequests) layers = readCodings(this.context, this.listener, tx, TO_SERVER, head);
    if (tx.switching) this.finishRequest(tx);
    else if (framing.chunked) this.beginBody(tx, TO_SERVER, State.BODY_CHUNKED, layers);
    else if (framing.length > 0) {
      this.beginBody(tx, TO_SERVER, State.BODY_LENGTH, layers);
      tx.bodies[TO_SERVER]!.left = framing.length;
    } else if (framing.hasTransferEncoding && !framing.hasLength) {
      // A coding of which nobody knows where it ends: lenient servers read on.
      this.beginBody(tx, TO_SERVER, State.BODY_TO_CLOSE, layers);
    } else this.finishRequest(tx);
    if (tx.method === Method.POST && tx.bodies[TO_SERVER] !== null)
      beginMultipart(this.context, this.listener, tx, head);
  }

  /** All that was announced has come. */
  private finishRequest(tx: Http1Transaction): void {
    // Another protocol may follow; a request without head fields has no body.
    if (tx.switching || tx.simple) this.completeRequest(tx);
    else this.requestState = State.ENDING;
  }

  /**
   * Bytes that follow a request in the same piece. As libhtp has it, a line that does not begin with a method that is
   * known is not the next request but belongs to the body of this one, announced or not. Unlike there, a line that has all
   * else of a request is one: there are servers that would take it.
   */
  private passUnexpected(tx: Http1Transaction, bytes: Uint8Array, start: number, end: number): number {
    let i = start;
    while (i < end && bytes[i] !== LF) i++;
    const lineEnd = i;
    if ((this.mode & Mode.UNEXPECTED_LINE) === 0) {
      const kind = classifyLine(bytes, start, lineEnd, lineEnd < end);
      if (kind === LineKind.REQUEST) {
        this.completeRequest(tx);
        return start;
      }
      // Where there was no body, a blank line does not make one.
      if (kind === LineKind.BLANK && tx.bodies[TO_SERVER] === null) return lineEnd < end ? lineEnd + 1 : end;
      if (kind === LineKind.OTHER && !tx.overrun) {
        tx.overrun = true;
        this.event(tx, TO_SERVER, Http1Event.REQUEST_BODY_UNEXPECTED);
      }
    }
    const next = lineEnd < end ? lineEnd + 1 : end;
    if (lineEnd < end) this.mode &= ~Mode.UNEXPECTED_LINE;
    else this.mode |= Mode.UNEXPECTED_LINE;
    if (tx.bodies[TO_SERVER] === null) this.beginBody(tx, TO_SERVER, State.ENDING, 0);
    else tx.bodies[TO_SERVER].resume();
    appendToBody(this.listener, tx, TO_SERVER, bytes, start, next);
    return next;
  }

  private completeRequest(tx: Http1Transaction): void {
    this.mode &= ~Mode.UNEXPECTED_LINE;
    tx.bodies[TO_SERVER]?.finish();
    tx.requestProgress = Http1Progress.COMPLETE;
    tx.requestDone = true;
    this.notify(tx, TO_SERVER);
    tx.dropBody(TO_SERVER);
    const head = tx.heads[TO_SERVER];
    if (head !== null && !tx.responseDone) this.note(tx, head);
    tx.dropHead(TO_SERVER);
    this.request = null;
    this.requestState = State.IDLE;
    this.frames?.end(TO_SERVER);
    if (tx.switching && !tx.responseDone) this.mode |= Mode.SWITCHING;
    this.endIfOver(tx);
  }

  /** What was collected is no request but another protocol's bytes. */
  private discardRequest(head: Head): void {
    this.keepEarly(head);
    this.context.giveTransaction(this.request!);
    this.request = null;
    this.nextId--;
    this.requestState = State.TUNNEL;
    this.frames?.lose(TO_SERVER);
  }

  private keepEarly({ bytes, base, length }: Head): void {
    // Nobody answers any more: nothing follows that these could be the beginning of.
    if (this.responseState === State.CLOSED) return;
    this.early ??= new EarlyBytes(this.context.pool);
    this.early.add(bytes, base, base + length);
  }

  /** The beginning of what may be a request goes with the rest to the other protocol. */
  private keepTentative(): void {
    if (this.request?.tentative === true) this.keepEarly(this.request.heads[TO_SERVER]!);
  }

  /** No other protocol follows: what the client has sent is for this parser, once this response has been dealt with. */
  private resumeAfterResponse(): void {
    if (this.request?.tentative === true) {
      this.request.tentative = false;
      this.enqueue(this.request);
    }
    this.mode |= Mode.RESUMING;
  }

  private forgetEarly(): void {
    this.early?.clear();
    this.early = null;
  }

  /** There is no tunnel, or it carries HTTP: what came early is for this parser after all. */
  private resumeRequests(): void {
    this.mode &= ~Mode.RESUMING;
    const { early } = this;
    if (early === null || this.responseState === State.TUNNEL) return;
    const bytes = early.copy();
    const { missing } = early;
    this.forgetEarly();
    const closed = this.requestState === State.CLOSED;
    this.requestState = State.IDLE;
    this.feed(TO_SERVER, bytes, 0, bytes.length);
    this.gap(TO_SERVER, missing);
    if (closed) this.close(TO_SERVER);
  }

  private closeRequest(tx: Http1Transaction): void {
    const head = tx.heads[TO_SERVER];
    if (this.requestState === State.START_LINE && head !== null) {
      this.advanceRequest(head, true);
      if (this.request === null) return;
      this.finishRequestHead(tx, head, false);
    } else if (this.requestState === State.FIELDS && head !== null) {
      head.scanFields(true);
      this.finishRequestHead(tx, head, false);
    }
    if (this.requestState !== State.ENDING && this.request !== null) this.finishBody(tx, TO_SERVER, true);
    if (this.requestState === State.ENDING && this.request !== null) this.completeRequest(tx);
  }

  // --- responses ---

  private responseStep(bytes: Uint8Array, start: number, end: number): number {
    switch (this.responseState) {
      case State.IDLE: {
        const c = bytes[start];
        if (c === LF || c === CR) return start + 1;
        this.beginResponse();
        return this.collect(TO_CLIENT, this.waiting.oldest!.heads[TO_CLIENT]!, bytes, start, end);
      }
      case State.START_LINE:
      case State.FIELDS:
      case State.JUNK_LINE:
        return this.collect(TO_CLIENT, this.waiting.oldest!.heads[TO_CLIENT]!, bytes, start, end);
      case State.TRAILER:
        return this.collect(TO_CLIENT, this.trailer(this.waiting.oldest!, TO_CLIENT), bytes, start, end);
      case State.BODY_OR_STATUS_LINE:
        return this.bodyOrStatusLine(bytes, start, end);
      case State.BODY_LENGTH:
      case State.BODY_CHUNKED:
      case State.BODY_TO_CLOSE:
        return this.bodyStep(this.waiting.oldest!, TO_CLIENT, bytes, start, end);
      default:
        return end;
    }
  }

  /** Finds the transaction that the response belongs to. */
  private beginResponse(): void {
    const { context } = this;
    let tx = this.waiting.oldest;
    if (tx === null || (!tx.answered && this.forgotten > 0)) {
      tx = context.takeTransaction(this.nextId++);
      tx.requestDone = true;
      this.waiting.addFirst(tx);
      if (this.forgotten > 0) this.forgotten--;
      else if ((this.mode & Mode.GAPPED) === 0) {
        this.event(tx, TO_CLIENT, Http1Event.UNABLE_TO_MATCH_RESPONSE_TO_REQUEST);
      }
    }
    if (tx === this.request && this.requestState === State.START_LINE)
      this.event(tx, TO_SERVER, Http1Event.REQUEST_LINE_INCOMPLETE);
    // An HTTP/0.9 request ends where its response begins.
    if (
      tx === this.request &&
      this.requestState === State.FIELDS &&
      tx.simple &&
      tx.heads[TO_SERVER]!.count === 0
    ) {
      tx.requestProgress = Http1Progress.HEADERS;
      reportRequestHead(this.listener, tx, tx.heads[TO_SERVER]!, false);
      this.completeRequest(tx);
    }
    tx.answered = true;
    tx.heads[TO_CLIENT] ??= context.takeHead();
    this.responseState = State.START_LINE;
    this.frames?.begin(TO_CLIENT);
  }

  /** Reads on in a response head that has got more bytes. @returns a `HeadStatus` */
  private advanceResponse(head: Head, closed: boolean): number {
    const tx = this.waiting.oldest!;
    for (;;) {
      if (this.responseState === State.JUNK_LINE) {
        const next = head.behindStartLine();
        if (next < 0 && !closed) return HeadStatus.INCOMPLETE;
        if (next !== STATUS_LINE_START[0]) return this.takeHeadForBody(tx, head);
        head.dropStartLine();
        this.responseState = State.START_LINE;
      }
      if (this.responseState !== State.START_LINE) return head.scanFields(closed);

      const begin = head.base + head.lineStart;
      const likely = looksLikeResponse(head.bytes, begin, head.base + head.length);
      const tooLong = head.length - head.lineStart > LONGEST_JUNK_LINE;
      if ((likely < 0 && tx.simple) || (likely <= 0 && tooLong)) {
        return this.takeHeadForBody(tx, head);
      }
      if (likely === 0 && !closed) return HeadStatus.INCOMPLETE;
      const status = head.scanStartLine(closed);
      if (status !== HeadStatus.START_LINE) return status;
      if (looksLikeResponse(head.bytes, head.base + head.lineStart, head.base + head.lineEnd) <= 0) {
        this.responseState = State.JUNK_LINE;
        continue;
      }
      head.line.parseStatus(head);
      this.responseState = State.FIELDS;
    }
  }

  /** There is no status line: the bytes are the body, as browsers see it. */
  private takeHeadForBody(tx: Http1Transaction, head: Head): number {
    tx.heads[TO_CLIENT] = null;
    tx.responseProgress = Http1Progress.HEADERS;
    this.beginBody(tx, TO_CLIENT, State.BODY_TO_CLOSE, 0);
    appendToBody(this.listener, tx, TO_CLIENT, head.bytes, head.base, head.base + head.length);
    // The head's bytes are given back.
    tx.bodies[TO_CLIENT]!.settle();
    this.context.giveHead(head);
    return HeadStatus.COMPLETE;
  }

  private finishResponseHead(tx: Http1Transaction, head: Head, overflow: boolean): void {
    const { status, version } = head.line;
    framing.read(head);
    const hasBodyFields = framing.hasLength || framing.hasTransferEncoding;

    if (
      status >= 100 &&
      status < 200 &&
      status !== 101 &&
      !framing.hasTransferEncoding &&
      framing.length <= 0
    ) {
      // Interim (RFC 9110 section 15.2): the real response follows, this one is of no interest.
      if (status === 100 && tx.continued) this.event(tx, TO_CLIENT, Http1Event.CONTINUE_ALREADY_SEEN);
      if (status === 100) tx.continued = true;
      tx.dropHead(TO_CLIENT);
      this.responseState = State.IDLE;
      return;
    }
    tx.responseProgress = Http1Progress.HEADERS;
    tx.dirty |= 1 << TO_CLIENT;
    reportResponseHead(this.listener, tx, head, overflow);
    if (overflow) {
      this.beginBody(tx, TO_CLIENT, State.BODY_TO_CLOSE, 0);
      return;
    }
    if (tx.switching) this.mode &= ~Mode.SWITCHING;
    if (tx.method === Method.CONNECT && status >= 200 && status < 300) {
      this.finishResponse(tx);
      // Requests that came early are the beginning of what the tunnel carries, and in the hands of this parser.
      if (this.waiting.oldest === null) {
        this.keepTentative();
        this.surrender(null);
      } else this.resumeAfterResponse();
      return;
    }
    if (status === 101 && !hasBodyFields) {
      const protocol = successor(head);
      this.finishResponse(tx);
      if (protocol === null) {
        // What nobody here could read stays with this parser, which looks at no more of it.
        this.forgetEarly();
        this.endAll(State.TUNNEL);
      } else {
        this.keepTentative();
        this.surrender(protocol);
      }
      return;
    }
    if (tx.switching) this.resumeAfterResponse();
    if (status === 101) this.event(tx, TO_CLIENT, Http1Event.SWITCHING_PROTO_WITH_CONTENT_LENGTH);
    reportFraming(this.listener, tx, TO_CLIENT, framing, version);
    this.endRefusedRequest(tx, status);
    if (tx.method === Method.HEAD || ((status === 204 || status === 304) && !hasBodyFields)) {
      this.finishResponse(tx);
      return;
    }
    const layers = readCodings(this.context, this.listener, tx, TO_CLIENT, head);
    let state: number = State.BODY_TO_CLOSE;
    if (framing.chunked) state = State.BODY_CHUNKED;
    else if (framing.length >= 0) state = State.BODY_LENGTH;
    if (state === State.BODY_LENGTH && framing.length === 0) {
      this.finishResponse(tx);
      return;
    }
    if (state === State.BODY_TO_CLOSE && hasByteRanges(head))
      this.event(tx, TO_CLIENT, Http1Event.RESPONSE_MULTIPART_BYTERANGES);
    const left = Math.max(0, framing.length);
    if (status === 204 || status === 304) {
      this.beginBody(tx, TO_CLIENT, State.BODY_OR_STATUS_LINE, layers);
      tx.bodies[TO_CLIENT]!.left = state === State.BODY_LENGTH ? left : -1;
      return;
    }
    if (status < 200 && status > 0) this.event(tx, TO_CLIENT, Http1Event.RESPONSE_BODY_UNEXPECTED);
    this.beginBody(tx, TO_CLIENT, state, layers);
    tx.bodies[TO_CLIENT]!.left = left;
  }

  /** A client that asked first (`Expect: 100-continue`) and was refused sends no body. */
  private endRefusedRequest(tx: Http1Transaction, status: number): void {
    if (tx !== this.request || status < 400 || this.requestState !== State.BODY_LENGTH) return;
    const head = tx.heads[TO_SERVER];
    if (head === null || !hasField(head, Field.EXPECT) || tx.bodies[TO_SERVER]!.transferred > 0) return;
    this.completeRequest(tx);
  }

  /** After 204 or 304 with a length: browsers take what follows for a body, unless it is the next response. */
  private bodyOrStatusLine(bytes: Uint8Array, start: number, end: number): number {
    const tx = this.waiting.oldest!;
    const body = tx.bodies[TO_CLIENT]!;
    let i = start;
    let matched = body.statusLine;
    while (i < end && matched < STATUS_LINE_START.length && bytes[i] === STATUS_LINE_START[matched]) {
      i++;
      matched++;
    }
    body.statusLine = matched;
    if (matched === STATUS_LINE_START.length) {
      this.finishResponse(tx);
      this.beginResponse();
      this.collect(TO_CLIENT, this.waiting.oldest!.heads[TO_CLIENT]!, STATUS_LINE_START, 0, matched);
      // The prefix is ours, not the caller's: it must not be borrowed.
      this.waiting.oldest?.heads[TO_CLIENT]?.own();
      return i;
    }
    if (i >= end) return end;
    this.event(tx, TO_CLIENT, Http1Event.RESPONSE_BODY_UNEXPECTED);
    this.responseState = body.left >= 0 ? State.BODY_LENGTH : State.BODY_CHUNKED;
    for (let k = 0; k < matched && this.responseState !== State.IDLE; ) {
      k = this.bodyStep(tx, TO_CLIENT, STATUS_LINE_START, k, matched);
    }
    tx.bodies[TO_CLIENT]?.settle();
    return i;
  }

  private finishResponse(tx: Http1Transaction): void {
    tx.responseProgress = Http1Progress.COMPLETE;
    this.notify(tx, TO_CLIENT);
    tx.dropBody(TO_CLIENT);
    tx.dropHead(TO_CLIENT);
    tx.responseDone = true;
    this.waiting.remove(tx);
    this.responseState = State.IDLE;
    this.frames?.end(TO_CLIENT);
    this.endIfOver(tx);
  }

  private closeResponse(tx: Http1Transaction): void {
    const { responseState } = this;
    const head = tx.heads[TO_CLIENT];
    if (
      head !== null &&
      (responseState === State.START_LINE ||
        responseState === State.JUNK_LINE ||
        responseState === State.FIELDS)
    ) {
      this.advanceResponse(head, true);
      // Still a head: all of it is there now.
      if (tx.heads[TO_CLIENT] === head) {
        if (head.length === 0) tx.dropHead(TO_CLIENT);
        else this.finishResponseHead(tx, head, false);
      }
    }
    if (this.waiting.oldest === tx && tx.answered && this.responseState !== State.TUNNEL)
      this.finishBody(tx, TO_CLIENT, true);
  }

  // --- both directions ---

  private stateOf(direction: Direction): number {
    return direction === TO_SERVER ? this.requestState : this.responseState;
  }

  private setState(direction: Direction, state: number): void {
    if (direction === TO_SERVER) this.requestState = state;
    else this.responseState = state;
  }

  private trailer(tx: Http1Transaction, direction: Direction): Head {
    tx.trailers[direction] ??= this.context.takeHead();
    return tx.trailers[direction]!;
  }

  /** Adds bytes to a head and reads on. @returns how far bytes were taken */
  private collect(direction: Direction, head: Head, bytes: Uint8Array, start: number, end: number): number {
    let i = start;
    while (i < end) {
      const before = head.length;
      let taken: number;
      if (before === 0) {
        if (this.stateOf(direction) === State.TRAILER)
          head.beginFields(bytes, i, end, direction === TO_CLIENT);
        else head.begin(bytes, i, end, direction === TO_CLIENT);
        taken = head.length;
      } else taken = head.append(bytes, i, Math.min(end, i + PIECE));
      const status = this.advance(direction, head, false);
      if (status === HeadStatus.COMPLETE) {
        const tx = direction === TO_SERVER ? this.request : this.waiting.oldest;
        // A head that was not one has left its bytes behind.
        if (tx === null || (tx.heads[direction] !== head && tx.trailers[direction] !== head))
          return i + taken;
        const next = i + head.length - before;
        // A CR that came earlier has waited for what follows it, and is none of the head's.
        const waited = next < i ? head.bytes.slice(head.base + head.length, head.base + before) : null;
        this.finishHead(tx, direction, head, false);
        const { successor: protocol } = this.context;
        if (protocol === undefined) {
          if (waited === null) return next;
          this.stepThrough(direction, waited);
          return i;
        }
        this.handOver(protocol, Math.max(i, next));
        return end;
      }
      if (status === HeadStatus.TOO_LONG || head.length >= this.context.options.limits.headBytes) {
        this.cutHead(direction, head);
        return i + taken;
      }
      i += taken;
    }
    return end;
  }

  /** Takes its steps through bytes that waited: CRs only, which end a head or are none of it, so that nothing is handed over within. */
  private stepThrough(direction: Direction, bytes: Uint8Array): void {
    const end = bytes.length;
    for (let i = 0; i < end; )
      i = direction === TO_SERVER ? this.requestStep(bytes, i, end) : this.responseStep(bytes, i, end);
  }

  /** Another protocol takes over; where, is told when the head that said so has been passed. */
  private surrender(protocol: string | null): void {
    this.endAll(State.TUNNEL);
    this.context.successor = protocol;
  }

  /** @param at index into the bytes that are fed where the other protocol begins */
  private handOver(protocol: string | null, at: number): void {
    const { early } = this;
    this.context.successor = undefined;
    if (early === null) this.listener.onUpgrade(protocol, at);
    else this.listener.onUpgrade(protocol, at, { bytes: early.copy(), missing: early.missing });
    this.forgetEarly();
  }

  private advance(direction: Direction, head: Head, closed: boolean): number {
    if (this.stateOf(direction) === State.TRAILER) return head.scanFields(closed);
    return direction === TO_SERVER ? this.advanceRequest(head, closed) : this.advanceResponse(head, closed);
  }

  private finishHead(tx: Http1Transaction, direction: Direction, head: Head, overflow: boolean): void {
    if (this.stateOf(direction) === State.TRAILER) {
      if (direction === TO_SERVER) this.finishRequest(tx);
      else this.finishResponse(tx);
    } else if (direction === TO_SERVER) this.finishRequestHead(tx, head, overflow);
    else this.finishResponseHead(tx, head, overflow);
  }

  /** A head that does not end is taken as it is; what follows is looked at as a body. */
  private cutHead(direction: Direction, head: Head): void {
    const tx = (direction === TO_SERVER ? this.request : this.waiting.oldest)!;
    if (direction === TO_SERVER) this.event(tx, direction, Http1Event.REQUEST_HEAD_TOO_LONG);
    if (this.stateOf(direction) === State.TRAILER) {
      head.cut();
      this.event(tx, direction, DirectedEvent.FIELD_TOO_LONG[direction]);
      this.finishHead(tx, direction, head, true);
      return;
    }
    this.advance(direction, head, true);
    const current = direction === TO_SERVER ? this.request : this.waiting.oldest;
    if (current !== tx || tx.heads[direction] !== head) return;
    this.finishHead(tx, direction, head, true);
  }

  private beginBody(tx: Http1Transaction, direction: Direction, state: number, layers: number): void {
    beginBody(this.context, tx, direction, layers);
    this.setState(direction, state);
  }

  private bodyStep(
    tx: Http1Transaction,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const body = tx.bodies[direction]!;
    switch (this.stateOf(direction)) {
      case State.BODY_LENGTH: {
        const count = Math.min(end - start, body.left);
        appendToBody(this.listener, tx, direction, bytes, start, start + count);
        body.left -= count;
        if (body.left > 0) return end;
        let next = start + count;
        if (direction === TO_CLIENT && next < end && looksLikeResponse(bytes, next, end) < 0) {
          // More than was announced, and no next response: browsers may show it, so it is looked at.
          this.event(tx, TO_CLIENT, Http1Event.RESPONSE_BODY_UNEXPECTED);
          appendToBody(this.listener, tx, TO_CLIENT, bytes, next, end);
          next = end;
        }
        this.finishBody(tx, direction);
        return next;
      }
      case State.BODY_CHUNKED: {
        const { chunks } = body;
        const told = chunks.loneCr;
        const status = chunks.read(bytes, start, end);
        if (chunks.loneCr && !told) this.event(tx, direction, Http1Event.REQUEST_CHUNK_LONE_CR);
        if (status === ChunkStatus.DATA)
          appendToBody(this.listener, tx, direction, bytes, chunks.dataStart, chunks.dataEnd);
        else if (status === ChunkStatus.LAST) {
          endBody(this.listener, tx, direction, body);
          if (chunks.extension) this.event(tx, direction, DirectedEvent.CHUNK_EXTENSION[direction]);
          tx.dirty |= 1 << direction;
          if (direction === TO_SERVER) tx.requestProgress = Http1Progress.BODY;
          else tx.responseProgress = Http1Progress.BODY;
          this.setState(direction, State.TRAILER);
        } else if (status === ChunkStatus.INVALID) {
          this.event(tx, direction, DirectedEvent.INVALID_CHUNK_LEN[direction]);
          this.setState(direction, State.BODY_TO_CLOSE);
        }
        return chunks.position;
      }
      default:
        appendToBody(this.listener, tx, direction, bytes, start, end);
        return end;
    }
  }

  /** The body has ended, or will not go on. */
  private finishBody(tx: Http1Transaction, direction: Direction, closed = false): void {
    const body = tx.bodies[direction];
    if (body !== null) endBody(this.listener, tx, direction, body);
    if (closed) {
      const trailer = tx.trailers[direction];
      if (trailer !== null && this.stateOf(direction) === State.TRAILER) trailer.scanFields(true);
    }
    if (direction === TO_SERVER) this.finishRequest(tx);
    else this.finishResponse(tx);
  }

  /** End of a feed: shows what has changed, then keeps what must be kept of the fed bytes. */
  private settle(tx: Http1Transaction, direction: Direction): void {
    // A start line whose fields are still to come can be judged by itself.
    if (this.stateOf(direction) === State.FIELDS) this.showLine(tx, direction);
    if ((tx.dirty & (1 << direction)) !== 0) this.notify(tx, direction);
    tx.heads[direction]?.own();
    tx.bodies[direction]?.settle();
    tx.trailers[direction]?.own();
  }

  private showLine(tx: Http1Transaction, direction: Direction): void {
    if (tx.progress(direction) !== Http1Progress.NONE) return;
    // An interim response is not the one that the rules are about.
    if (direction === TO_CLIENT && tx.heads[TO_CLIENT]!.line.status < 200) return;
    if (direction === TO_SERVER) tx.requestProgress = Http1Progress.LINE;
    else tx.responseProgress = Http1Progress.LINE;
    tx.dirty |= 1 << direction;
  }

  private notify(tx: Http1Transaction, direction: Direction): void {
    tx.dirty &= ~(1 << direction);
    tx.direction = direction;
    tx.announced = true;
    this.listener.onProgress(tx, direction);
    tx.bodies[direction]?.shown();
    if (direction === TO_SERVER) tx.multipart?.shown();
  }

  private event(tx: Http1Transaction, direction: Direction, name: string): void {
    emit(this.listener, tx, direction, name);
  }

  // --- the queue of transactions ---

  private enqueue(tx: Http1Transaction): void {
    const { pendingTransactions } = this.context.options.limits;
    if (this.waiting.length >= pendingTransactions) this.forget();
    this.waiting.add(tx);
  }

  /** Gives up the oldest transaction whose response has not begun. */
  private forget(): void {
    let tx = this.waiting.oldest;
    if (tx?.answered) tx = tx.next;
    if (tx === null || tx === this.request) return;
    this.listener.onEvent(null, TO_SERVER, Http1Event.TOO_MANY_PENDING_TRANSACTIONS);
    this.forgotten++;
    this.waiting.remove(tx);
    this.end(tx);
  }

  private endIfOver(tx: Http1Transaction): void {
    if (!tx.requestDone) return;
    if (tx.responseDone) this.end(tx);
    else if (this.responseState === State.CLOSED) {
      // The queue holds nothing else once the responses have ended.
      this.waiting.remove(tx);
      this.end(tx);
    }
  }

  private note(tx: Http1Transaction, head: Head): void {
    tx.notes.take(head, this.context.pool);
    tx.counted = tx.notes.heldBytes + bytesOfMatchState(tx.matchState);
    this.noted += tx.counted;
  }

  private end(tx: Http1Transaction): void {
    this.noted -= tx.counted;
    tx.counted = 0;
    if (tx.announced) this.listener.onTransactionEnd(tx);
    this.context.giveTransaction(tx);
  }

  /** Ends every transaction and sets both states. */
  private endAll(state: number): void {
    const { request } = this;
    this.request = null;
    this.requestState = state;
    this.responseState = state;
    let queued = false;
    while (this.waiting.oldest !== null) {
      const tx = this.waiting.oldest;
      if (tx === request) queued = true;
      this.waiting.remove(tx);
      this.end(tx);
    }
    if (request !== null && !queued) this.end(request);
  }

  // --- missing bytes ---

  /** The direction is out of step. What belongs to what is not known any more: all ends but a message in the other. */
  private lose(direction: Direction): void {
    this.mode |= Mode.GAPPED;
    this.frames?.lose(direction);
    this.forgotten = 0;
    const kept =
      direction === TO_SERVER ? (this.waiting.oldest?.answered ? this.waiting.oldest : null) : this.request;
    const request = this.request;
    if (direction === TO_SERVER && request !== null) {
      this.request = null;
      if (request !== kept) request.requestDone = true;
    }
    let requestQueued = false;
    while (this.waiting.oldest !== null) {
      const tx = this.waiting.oldest;
      if (tx === request) requestQueued = true;
      this.waiting.remove(tx);
      if (tx !== kept) this.end(tx);
    }
    if (direction === TO_SERVER) {
      if (request !== null && !requestQueued && request !== kept) this.end(request);
      if (kept !== null) {
        kept.requestDone = true;
        kept.dropHead(TO_SERVER);
        kept.dropBody(TO_SERVER);
        this.enqueue(kept);
      }
      this.requestState = State.LOST;
    } else {
      if (kept !== null) {
        if (kept.answered) {
          kept.responseDone = true;
          kept.dropHead(TO_CLIENT);
          kept.dropBody(TO_CLIENT);
        } else if (requestQueued) this.enqueue(kept);
      }
      this.responseState = State.LOST;
    }
  }

  private resumeRequest(bytes: Uint8Array, start: number, end: number): void {
    if (looksLikeRequest(bytes, start, end) > 0) this.requestState = State.IDLE;
  }

  private resumeResponse(bytes: Uint8Array, start: number, end: number): void {
    for (let i = 0; i < STATUS_LINE_START.length; i++) {
      if (start + i >= end || bytes[start + i] !== STATUS_LINE_START[i]) return;
    }
    this.responseState = State.IDLE;
  }
}
