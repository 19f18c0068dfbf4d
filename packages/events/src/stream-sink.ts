import type { Writable } from 'node:stream';
import { eveJson } from './eve-json';
import type { EveRecord } from './record';
import type { EventSink, SinkStatistics } from './sink';

/** Writes one JSON line per record to a stream somebody else owns (standard output). */
export class StreamSink implements EventSink {
  readonly statistics: SinkStatistics = { written: 0, lost: 0, backlog: 0, failures: 0, lastError: null };

  constructor(private readonly stream: Writable) {}

  write(record: EveRecord, text = eveJson(record)): void {
    this.stream.write(`${text}\n`);
    this.statistics.written++;
  }
  async reopen(): Promise<void> {}
  async flush(): Promise<void> {
    if (this.stream.writableLength === 0) return;
    await new Promise<void>((resolve) => this.stream.write('', () => resolve()));
  }
  async close(): Promise<void> {
    await this.flush();
  }
}
