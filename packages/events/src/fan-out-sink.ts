import { eveJson } from './eve-json';
import type { EveRecord } from './record';
import type { EventSink, SinkStatistics } from './sink';

export type EventType = EveRecord['event_type'];
export const eventTypes = ['alert', 'ban', 'engine'] as const satisfies readonly EventType[];

/** One of the sinks that events go to. */
export interface Outlet {
  /** For metrics and messages: `eve`, `socket`, `syslog`, `webhook`. */
  readonly name: string;
  readonly sink: EventSink;
  /** The kinds of events it gets. */
  readonly events: readonly EventType[];
}

/** Gives each record to every outlet that wants its kind. A record is made into JSON once. */
export class FanOutSink implements EventSink {
  /** @param outlets the first one stands for all where one number is asked for */
  constructor(readonly outlets: readonly [Outlet, ...Outlet[]]) {}

  get statistics(): SinkStatistics {
    return this.outlets[0].sink.statistics;
  }

  write(record: EveRecord): void {
    const text = eveJson(record);
    for (const { sink, events } of this.outlets)
      if (events.includes(record.event_type)) sink.write(record, text);
  }

  async reopen(): Promise<void> {
    await this.everywhere((sink) => sink.reopen());
  }

  async flush(): Promise<void> {
    await this.everywhere((sink) => sink.flush());
  }

  async close(): Promise<void> {
    await this.everywhere((sink) => sink.close());
  }

  private async everywhere(action: (sink: EventSink) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(this.outlets.map(({ sink }) => action(sink)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}
