import type { EveRecord } from './record';

/** Where records go. Writing never blocks and never throws; what a sink cannot keep it counts. */
export interface EventSink {
  /** @param text the record as JSON, where the caller has it already */
  write(record: EveRecord, text?: string): void;
  /** Closes and opens its file again, so that a log rotator can take the old one away. */
  reopen(): Promise<void>;
  /** Resolves when everything written so far is handed to the operating system. */
  flush(): Promise<void>;
  close(): Promise<void>;
  readonly statistics: SinkStatistics;
}

export interface SinkStatistics {
  written: number;
  /** Records lost because the sink failed or its backlog was full. */
  lost: number;
  /** The same by kind, where they are told apart. */
  lostByKind?: Readonly<Record<EveRecord['event_type'], number>>;
  /** Bytes waiting. */
  backlog: number;
  /** How often writing or delivering failed; what failed is tried again. */
  failures: number;
  /** The last failure, null when the last write succeeded. */
  lastError: string | null;
}

/** Keeps records in memory, for tests and for `replay` without a file. */
export class MemorySink implements EventSink {
  readonly records: EveRecord[] = [];
  readonly statistics: SinkStatistics = { written: 0, lost: 0, backlog: 0, failures: 0, lastError: null };

  write(record: EveRecord): void {
    this.records.push(record);
    this.statistics.written++;
  }
  async reopen(): Promise<void> {}
  async flush(): Promise<void> {}
  async close(): Promise<void> {}
}
