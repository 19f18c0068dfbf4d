import { eveJson } from '../eve-json';
import type { EveRecord } from '../record';
import type { EventSink, SinkStatistics } from '../sink';
import type { Batch, Spool } from '../spool/spool';
import { BackOff, type BackOffOptions } from './back-off';
import { BatchRefused, type Transport } from './transport';
import { GRACE_MILLISECONDS, within } from './within';

export interface SpooledSinkOptions {
  /** Records in a batch at most. */
  batch?: number;
  retry?: BackOffOptions;
  /** How long `close` waits for a receiver that is there. */
  graceMilliseconds?: number;
  /** Told once when delivering begins to fail and once when it works again. */
  onState?: (failed: boolean, message: string) => void;
}

const DEFAULT_BATCH = 1000;

/**
 * Delivers records over a network: every record goes to the spool first, and from there to the receiver, in order, as
 * fast as the receiver takes them. A receiver that is away costs disk, not memory; after a restart delivery goes on
 * where it ended.
 */
export class SpooledSink implements EventSink {
  private readonly counts = { written: 0, refused: 0, failures: 0 };
  private lastError: string | null = null;
  private readonly backOff: BackOff;
  /** Delivered, but a connection that breaks now takes it back. */
  private settling: { batch: Batch; at: number }[] = [];
  private settleTimer: NodeJS.Timeout | null = null;
  private closing = false;
  private endPause: (() => void) | null = null;
  private onIdle: (() => void) | null = null;
  private readonly delivering: Promise<void>;
  private readonly most: number;
  private limit: number;

  constructor(
    private readonly spool: Spool,
    private readonly transport: Transport,
    private readonly options: SpooledSinkOptions = {},
  ) {
    this.most = options.batch ?? DEFAULT_BATCH;
    this.limit = this.most;
    this.backOff = new BackOff(options.retry);
    transport.onBroken = () => this.broken();
    this.delivering = this.deliver();
  }

  get statistics(): SinkStatistics {
    return {
      written: this.counts.written,
      lost: this.spool.lost + this.counts.refused,
      backlog: this.spool.backlogBytes,
      failures: this.counts.failures,
      lastError: this.lastError,
    };
  }

  write(record: EveRecord, text = eveJson(record)): void {
    this.spool.append(text);
  }

  async reopen(): Promise<void> {}

  /** Resolves when what was written is on disk; the receiver may be away. */
  flush(): Promise<void> {
    return this.spool.flush();
  }

  async close(): Promise<void> {
    await this.spool.flush();
    if (this.lastError === null) await this.idle(this.options.graceMilliseconds ?? GRACE_MILLISECONDS);
    this.closing = true;
    if (this.settleTimer) clearTimeout(this.settleTimer);
    for (const { batch } of this.settling) this.arrived(batch);
    this.endPause?.();
    this.transport.onBroken = null;
    this.transport.close();
    await this.spool.close();
    await this.delivering;
  }

  private async deliver(): Promise<void> {
    while (!this.closing) {
      let batch: Batch | null = null;
      try {
        if (this.spool.backlog === this.unsettled) this.onIdle?.();
        batch = await this.spool.next(this.limit);
        if (!batch || this.closing) return;
        await this.transport.send(batch);
        this.delivered(batch);
      } catch (error) {
        if (this.closing) return;
        await this.failed(error as Error, batch);
      }
    }
  }

  private get unsettled(): number {
    return this.settling.reduce((sum, { batch }) => sum + batch.lines.length, 0);
  }

  private delivered(batch: Batch): void {
    this.limit = Math.min(this.most, this.limit * 2);
    this.backOff.reset();
    if (this.lastError !== null) {
      this.lastError = null;
      this.options.onState?.(false, `${this.transport.name} takes events again`);
    }
    if (this.transport.settleMilliseconds === 0) {
      this.arrived(batch);
      return;
    }
    this.settling.push({ batch, at: performance.now() });
    this.settle();
  }

  private arrived(batch: Batch): void {
    this.counts.written += batch.lines.length;
    this.spool.acknowledge(batch);
  }

  /** What a connection has outlived has arrived. */
  private settle(): void {
    const { settleMilliseconds } = this.transport;
    const due = performance.now() - settleMilliseconds;
    while (this.settling[0] && this.settling[0].at <= due)
      this.arrived((this.settling.shift() as { batch: Batch }).batch);
    if (this.settling.length === 0 || this.settleTimer) return;
    this.settleTimer = setTimeout(() => {
      this.settleTimer = null;
      this.settle();
    }, settleMilliseconds);
    this.settleTimer.unref();
  }

  private broken(): void {
    this.settle();
    if (this.settling.length === 0) return;
    this.settling = [];
    this.spool.rewind();
  }

  private async failed(error: Error, batch: Batch | null): Promise<void> {
    this.counts.failures++;
    const first = this.lastError === null;
    this.lastError = error.message;
    if (first) this.options.onState?.(true, `${this.transport.name} takes no events: ${error.message}`);
    this.broken();
    if (batch && error instanceof BatchRefused) this.refused(batch);
    this.spool.rewind();
    await this.pause(this.backOff.next());
  }

  /** Somewhere in the batch is a record that the receiver never takes: smaller batches find it, alone it is given up. */
  private refused(batch: Batch): void {
    if (batch.lines.length === 1) {
      this.counts.refused++;
      this.spool.acknowledge(batch);
      return;
    }
    this.limit = Math.floor(batch.lines.length / 2);
    this.spool.regroup();
    this.backOff.reset();
  }

  private pause(milliseconds: number): Promise<void> {
    if (this.closing) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      timer.unref();
      this.endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Resolves when everything is delivered, or the time is over. */
  private async idle(milliseconds: number): Promise<void> {
    if (this.spool.backlog === this.unsettled) return;
    const idle = new Promise<void>((resolve) => {
      this.onIdle = resolve;
    });
    await within(milliseconds, idle);
  }
}
