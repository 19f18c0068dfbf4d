/**
 * What is kept of a request until its response is over: alerts on the response tell of it, and a file that the response
 * carries has its name. Bounded, whatever the request was.
 */

import { type BufferPool, NO_BYTES } from '../buffer-pool';
import { Field } from './field-names';
import * as table from './field-table';
import type { Head } from './head';
import type { Http1Transaction } from './message';

// Bound once: an import is a property load at each use in CommonJS.
const { ROW, VALUE_END, VALUE_START } = table;

/** Parts of a request. */
export const RequestPart = { METHOD: 0, URI: 1, PROTOCOL: 2, HOST: 3, USER_AGENT: 4, REFERER: 5 } as const;

const PARTS = 6;
/** Bytes of each part that are kept. */
const LONGEST = [64, 4096, 64, 512, 1024, 1024];
/** Room that an object keeps for its next request. */
const KEPT = 512;

/** One part of a request, borrowed. */
export interface RequestPartView {
  bytes: Uint8Array;
  start: number;
  end: number;
}

/** Parts as they lie in a head: place relative to its base, and length. */
const starts = new Int32Array(PARTS);
const lengths = new Int32Array(PARTS);

export class RequestNotes {
  private bytes: Uint8Array = NO_BYTES;
  /** Something is kept. */
  private filled = false;
  /** Where each part ends; it begins where the one before ends. Parts that are absent and parts without bytes are alike. */
  private readonly ends = new Uint16Array(PARTS);

  get heldBytes(): number {
    return this.filled ? this.bytes.length : 0;
  }

  /** Writes down a complete request head. */
  take(head: Head, pool: BufferPool): void {
    locate(head);
    let size = 0;
    for (let part = 0; part < PARTS; part++) size += lengths[part];
    if (size > this.bytes.length) {
      if (this.bytes.length > 0) pool.give(this.bytes);
      this.bytes = pool.take(size);
    }
    const { ends, bytes: to } = this;
    const from = head.bytes;
    let w = 0;
    for (let part = 0; part < PARTS; part++) {
      let i = head.base + starts[part];
      for (const end = i + lengths[part]; i < end; i++) to[w++] = from[i];
      ends[part] = w;
    }
    this.filled = true;
  }

  /** @returns false where the request had no such part, or nothing is kept */
  view(part: number, out: RequestPartView): boolean {
    if (!this.filled) return false;
    out.bytes = this.bytes;
    out.start = part === 0 ? 0 : this.ends[part - 1];
    out.end = this.ends[part];
    return out.end > out.start;
  }

  clear(pool: BufferPool): void {
    this.filled = false;
    if (this.bytes.length <= KEPT) return;
    pool.give(this.bytes);
    this.bytes = NO_BYTES;
  }
}

/** Finds a part of the request in its head, or in what was kept of it. @returns false where there is none */
export function requestPart(tx: Http1Transaction, part: number, out: RequestPartView): boolean {
  const head = tx.heads[0];
  if (head !== null && !head.released && tx.requestProgress > 0) return viewRequestPart(head, part, out);
  return tx.notes.view(part, out);
}

/** Finds a part in a head that is there. @returns false where there is none */
function viewRequestPart(head: Head, part: number, out: RequestPartView): boolean {
  locate(head);
  out.bytes = head.bytes;
  out.start = head.base + starts[part];
  out.end = out.start + lengths[part];
  return out.end > out.start;
}

/** Finds all parts of a head. */
function locate(head: Head): void {
  const { line, firstOf } = head;
  put(RequestPart.METHOD, line.firstStart, line.firstEnd);
  put(RequestPart.URI, line.secondStart, line.secondEnd);
  put(RequestPart.PROTOCOL, line.thirdStart, line.thirdEnd);
  putField(head, RequestPart.HOST, firstOf[Field.HOST]);
  putField(head, RequestPart.USER_AGENT, firstOf[Field.USER_AGENT]);
  putField(head, RequestPart.REFERER, firstOf[Field.REFERER]);
}

function putField(head: Head, part: number, index: number): void {
  if (index < 0) put(part, 0, 0);
  else put(part, head.rows[index * ROW + VALUE_START], head.rows[index * ROW + VALUE_END]);
}

function put(part: number, start: number, end: number): void {
  const length = end - start;
  const longest = LONGEST[part];
  starts[part] = start;
  lengths[part] = length > longest ? longest : Math.max(length, 0);
}
