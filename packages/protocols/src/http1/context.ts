/** What all HTTP/1 parsers of one worker share: limits, pools and the scratch of derived buffers. */

import { BufferPool } from '../buffer-pool';
import type { FilePolicy } from '../files/policy';
import type { TransactionListener } from '../transaction';
import { Body } from './body';
import { DerivedBuffers } from './derived';
import { FieldsMemo } from './fields-memo';
import { Head } from './head';
import type { Http1Limits } from './limits';
import { Http1Transaction } from './message';
import { createHttp1Frames, MessageFrames } from './message-frames';
import { MultipartReader } from './multipart';
import type { UriNormalization } from './uri';

export interface Http1Options {
  readonly limits: Http1Limits;
  /** Undo content codings of request bodies too. */
  readonly decodeRequests: boolean;
  /** Undo LZMA as well as the other content codings. */
  readonly lzma: boolean;
  readonly uri: UriNormalization;
  /** Read whenever a body outgrows what is kept of it. */
  readonly files: FilePolicy;
}

export class Http1Context {
  readonly pool = new BufferPool();
  readonly frames = createHttp1Frames();
  readonly derived = new DerivedBuffers();
  private readonly fields = new FieldsMemo();
  private readonly heads: Head[] = [];
  private readonly bodies: Body[] = [];
  private readonly transactions: Http1Transaction[] = [];
  private readonly multiparts: MultipartReader[] = [];
  /**
   * The protocol that follows the head in hand (null: to be told by its bytes), undefined where HTTP goes on. Of the parser that
   * is being fed: it is asked for before that returns, and so no flow has to have room for it.
   */
  successor: string | null | undefined = undefined;

  /** Free objects kept of each kind; the rest is left to the garbage collector. */
  private static readonly KEPT = 1024;
  private static readonly KEPT_MULTIPARTS = 64;

  constructor(readonly options: Http1Options) {}

  messageFrames(listener: TransactionListener): MessageFrames {
    return new MessageFrames(this.pool, this.frames, listener);
  }

  takeHead(): Head {
    return this.heads.pop() ?? new Head(this.options.limits, this.pool, this.fields);
  }

  giveHead(head: Head): void {
    head.clear();
    if (this.heads.length < Http1Context.KEPT) this.heads.push(head);
  }

  takeBody(): Body {
    return this.bodies.pop() ?? new Body(this.pool, this.options.files);
  }

  giveBody(body: Body): void {
    body.clear();
    if (this.bodies.length < Http1Context.KEPT) this.bodies.push(body);
  }

  takeTransaction(id: number): Http1Transaction {
    const tx = this.transactions.pop() ?? new Http1Transaction(this);
    tx.id = id;
    return tx;
  }

  giveTransaction(tx: Http1Transaction): void {
    tx.clear();
    if (this.transactions.length < Http1Context.KEPT) this.transactions.push(tx);
  }

  takeMultipart(): MultipartReader {
    return this.multiparts.pop() ?? new MultipartReader();
  }

  giveMultipart(reader: MultipartReader): void {
    if (this.multiparts.length < Http1Context.KEPT_MULTIPARTS) this.multiparts.push(reader);
  }
}
