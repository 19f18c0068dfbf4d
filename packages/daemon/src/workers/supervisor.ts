import { setTimeout as pause } from 'node:timers/promises';
import {
  type BanPermit,
  collectGarbage,
  type Detection,
  type DetectionPolicySettings,
  type EarlierConnectionSettings,
  listsOfRulesAreCurrent,
  makeSharedMemory,
  type OffloadMark,
  type PreparedRules,
  type ProvisionalBan,
  type QueueFacts,
  type RuleSummary,
  type SourceSettings,
  sharedClockOffset,
} from '@portcullis/engine';
import type { AddressTableData } from '@portcullis/web-addresses';
import { EventEmitter } from 'eventemitter3';
import { type DataSetFile, threadEvent, WorkerThread, type WorkerThreadSettings } from './worker-thread';

export interface SupervisorSettings {
  /** Where packets come from, a worker each: by the number of the queue, or of the mirror. */
  sources: ReadonlyMap<number, SourceSettings>;
  thread: Omit<WorkerThreadSettings, 'firstFlowId' | 'memory' | 'epoch'>;
  /** What runs in the threads, where it is not the inspection. */
  script?: string;
}

interface SupervisorEvents {
  /** As `WorkerThread` tells it. */
  detection: [Detection, began: number, banned: ProvisionalBan | null];
  /** A detection that is none: for the answer to be practised. */
  rehearsal: [Detection];
  /** What the data sets of one worker have learnt, when it ends. */
  dataSets: [readonly DataSetFile[]];
  /** A worker died or stalled; `replaced` tells when another has its queue. */
  lost: [{ queue: number; reason: string; thread: WorkerThread }];
  replaced: [{ queue: number; milliseconds: number }];
  /** No worker could be had for a queue: it stays unattended until the next try. */
  unattended: [{ queue: number; reason: string }];
}

/** A queue, its worker, and what the kernel granted them. */
export interface AttendedQueue {
  queue: number;
  thread: WorkerThread;
  facts: QueueFacts;
}

/** A worker that has not turned its loop for so long is taken for stalled: traffic is to go on within a second. */
const STALLED_MILLISECONDS = 550;
/** The same while it collects its garbage, which with a million connections takes half a second. */
const COLLECTING_MILLISECONDS = 3000;
const WATCH_MILLISECONDS = 50;
const RETRY_MILLISECONDS = 1000;
/** Twice what a worker waits in the kernel before it looks after anything else. */
const COUNTERS_MILLISECONDS = 100;
const COUNTERS_STEP_MILLISECONDS = 5;
/** A stop waits so long for a worker to decide what its queue still holds, and as long again for its end. */
const DRAIN_MILLISECONDS = 3000;
/** Flow ids are 53 bits: 8 for the worker, 45 to count with. */
const FLOW_IDS_PER_THREAD = 2 ** 45;
const THREAD_NUMBERS = 256;

/**
 * Keeps one worker on every queue. One more worker stands by with the rules loaded, because loading takes
 * seconds and a queue must not be unattended for longer than one; when a worker is lost, the one standing by
 * takes its queue and another is made ready.
 */
export class Supervisor extends EventEmitter<SupervisorEvents> {
  private readonly active = new Map<number, WorkerThread>();
  private standby: WorkerThread | null = null;
  /** Resolves when the standby worker is ready; rejects with why there is none. */
  private standbyReady: Promise<RuleSummary> | null = null;
  /** Workers that are about to take over a queue. */
  private readonly arriving = new Set<WorkerThread>();
  private watch: NodeJS.Timeout | null = null;
  private offload: OffloadMark | null = null;
  private replyPayload = true;
  private addresses: AddressTableData | null = null;
  private permit: BanPermit | null = null;
  private threadNumber = 0;
  private readonly memory = makeSharedMemory();
  private readonly epoch = Date.now() - performance.now() - sharedClockOffset();
  private stopping = false;

  /** The rules in force; null before there are any. */
  private rules: PreparedRules | null = null;

  constructor(private readonly settings: SupervisorSettings) {
    super();
  }

  /** By the number of the queue, or mirror, that each works on. */
  get workers(): ReadonlyMap<number, WorkerThread> {
    return this.active;
  }

  get threads(): readonly WorkerThread[] {
    return [...this.active.values()];
  }

  /** Waits until the workers have published what they have counted until now; a moment at most for those that hang. */
  async freshCounters(): Promise<void> {
    const { threads } = this;
    for (const thread of threads) thread.askForCounters();
    const until = performance.now() + COUNTERS_MILLISECONDS;
    while (performance.now() < until && !threads.every((thread) => thread.countersAreFresh))
      await pause(COUNTERS_STEP_MILLISECONDS);
  }

  /** Queues that have a worker right now. */
  get attended(): readonly AttendedQueue[] {
    return [...this.active].flatMap(([queue, thread]) =>
      thread.queue ? [{ queue, thread, facts: thread.queue }] : [],
    );
  }

  /**
   * Loads the rules in every worker and binds the queues. The threads come up while the rules are prepared.
   * @param earlier what is done about connections that are there when the queues are bound; a worker that takes over
   *   later adopts
   * @throws the error of the preparation, or the first worker's; nothing is bound then
   */
  async start(
    prepare: () => Promise<PreparedRules>,
    offload: OffloadMark | null,
    earlier: () => EarlierConnectionSettings | null = () => null,
  ): Promise<RuleSummary> {
    this.stopping = false;
    this.offload = offload;
    const numbers = [...this.settings.sources.keys()];
    const threads = numbers.map(() => this.spawn());
    try {
      const ready = Promise.all(threads.map((thread) => threadEvent(thread, 'ready')));
      ready.catch(() => undefined);
      const rules = await prepare();
      this.rules = rules;
      for (const thread of threads) thread.load(rules);
      // The first thread compiles the pattern databases, which the others then find: they wait for it inside.
      const summaries = await ready;
      this.replyPayload = (summaries[0] as RuleSummary).replyPayload;
      // Asked now: loading takes a while, and connections come and go.
      const existing = earlier();
      for (const [index, thread] of threads.entries())
        await this.bind(thread, numbers[index] as number, existing);
      this.watch = setInterval(() => this.lookAtThreads(), WATCH_MILLISECONDS);
      this.makeStandby();
      return summaries[0] as RuleSummary;
    } catch (error) {
      await Promise.all(threads.map((thread) => thread.kill()));
      this.active.clear();
      throw error;
    }
  }

  /**
   * Tries the new rules out in a worker of their own; when they load, all workers change over, each between two
   * batches and without losing a flow. Nothing is offloaded until the next `setOffload`.
   * @param bringAbout whatever else goes with these rules, once the workers have them
   * @throws the error of the preparation, the try or of `bringAbout`; the old rules are in force then
   */
  async reload(
    prepare: () => Promise<PreparedRules>,
    bringAbout: (summary: RuleSummary) => Promise<void> = async () => {},
  ): Promise<void> {
    const before = { rules: this.rules, offload: this.offload };
    let rules: PreparedRules;
    let summary: RuleSummary;
    try {
      // What preparing takes is then not beside what the worker standing by has.
      await this.dropStandby();
      rules = await prepare();
      // One with the old rules may have come in the meantime.
      await this.dropStandby();
      if (this.stopping) throw new Error('the engine is stopping');
      this.makeStandby(rules);
      summary = await (this.standbyReady as unknown as Promise<RuleSummary>);
    } catch (error) {
      await this.dropStandby();
      if (!this.stopping) this.makeStandby();
      throw error;
    }
    await this.changeOver({ rules, offload: null });
    try {
      await bringAbout(summary);
    } catch (error) {
      await this.changeOver(before);
      throw error;
    }
    before.rules = null;
    // The old rules go when the last thread has let go of them, and this one has.
    collectGarbage();
  }

  /** Has every worker change over, the one standing by and those on their way too. */
  private async changeOver(to: { rules: PreparedRules | null; offload: OffloadMark | null }): Promise<void> {
    this.rules = to.rules;
    this.offload = to.offload;
    // A worker lost meanwhile may have taken the one that tried, and another with other rules be in its place.
    if (!this.stopping && this.standby?.rules !== to.rules) {
      await this.dropStandby();
      this.makeStandby();
    }
    await Promise.all(this.threads.map((thread) => this.changeRules(thread)));
  }

  /** Settles when the worker has changed over, or is lost. */
  private async changeRules(thread: WorkerThread): Promise<void> {
    const { rules, offload } = this;
    if (rules === null || thread.rules === rules) return;
    thread.rules = rules;
    const reloaded = threadEvent(thread, 'reloaded');
    thread.send({ type: 'reload', rules, offload });
    await reloaded.catch(() => undefined);
  }

  /** Null before there are rules, and where they come without. */
  get policy(): DetectionPolicySettings | null {
    return this.rules?.policy ?? null;
  }

  /** False where a file that the rules name is not what it was when they were prepared. */
  get listsAreCurrent(): boolean {
    return this.rules === null || listsOfRulesAreCurrent(this.rules);
  }

  /** Other decisions about the matches of the same rules; takes effect with the next batch of each worker. */
  setPolicy(policy: DetectionPolicySettings): void {
    if (this.rules === null) return;
    const rules = { ...this.rules, policy };
    this.rules = rules;
    const standby = this.standby === null ? [] : [this.standby];
    for (const thread of [...this.threads, ...this.arriving, ...standby]) {
      thread.rules = rules;
      thread.send({ type: 'policy', policy });
    }
  }

  setOffload(offload: OffloadMark | null): void {
    this.offload = offload;
    for (const thread of this.threads) thread.send({ type: 'offload', offload });
  }

  /** Says whether the payload of replies is queued: before it no longer is, and after it is again. */
  setReplyPayload(seen: boolean): void {
    this.replyPayload = seen;
    for (const [number, thread] of this.active) {
      const source = this.settings.sources.get(number) as SourceSettings;
      thread.send({ type: 'reply-payload', seen: this.replies(source) });
    }
  }

  /** A mirror shows everything. */
  private replies(source: SourceSettings): boolean {
    return source.from === 'mirror' || this.replyPayload;
  }

  /** What comes to be inspected from now on is adopted. */
  adoptEarlier(): void {
    for (const thread of this.threads) thread.send({ type: 'adopt-earlier' });
  }

  /** Web addresses that are looked for from the next batch of each worker on; null: none. */
  setWebAddresses(addresses: AddressTableData | null): void {
    this.addresses = addresses;
    // Those on their way get them with their queue.
    for (const thread of this.threads) thread.send({ type: 'web-addresses', addresses });
  }

  /** Whom the workers may ban by themselves, from their next batch on; null: nobody. */
  setBanPermit(permit: BanPermit | null): void {
    this.permit = permit;
    // Those on their way get it with their queue.
    for (const thread of this.threads) thread.send({ type: 'ban-permit', permit });
  }

  /** @param unblockedAt when devices were let in by hand, microseconds since 1970; null: none were */
  forgetBlockedSources(unblockedAt: number | null): void {
    for (const thread of this.threads) thread.send({ type: 'forget-blocked', unblockedAt });
  }

  /** Decides what the queues still hold, then ends all workers. The rules that queue must be gone already. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.watch) clearInterval(this.watch);
    this.watch = null;
    const standby = this.dropStandby();
    const arriving = [...this.arriving].map((thread) => thread.kill());
    const draining = this.threads.map(async (thread) => {
      const stopped = threadEvent(thread, 'stopped').catch(() => undefined);
      thread.send({ type: 'drain' });
      await within(DRAIN_MILLISECONDS, stopped);
      await within(DRAIN_MILLISECONDS, thread.kill());
    });
    await Promise.all([
      ...draining,
      ...[standby, ...arriving].map((ended) => within(DRAIN_MILLISECONDS, ended)),
    ]);
    this.active.clear();
  }

  private spawn(): WorkerThread {
    const number = this.threadNumber++ % THREAD_NUMBERS;
    const { memory, epoch } = this;
    const firstFlowId = number * FLOW_IDS_PER_THREAD + 1;
    const settings = { ...this.settings.thread, memory, epoch, firstFlowId };
    const thread = new WorkerThread(settings, this.settings.script);
    thread.on('rehearsal', (detection) => this.emit('rehearsal', detection));
    return thread;
  }

  private async bind(
    thread: WorkerThread,
    queue: number,
    earlier: EarlierConnectionSettings | null = null,
  ): Promise<void> {
    const source = this.settings.sources.get(queue) as SourceSettings;
    const bound = threadEvent(thread, 'bound');
    thread.send({ type: 'web-addresses', addresses: this.addresses });
    thread.send({ type: 'ban-permit', permit: this.permit });
    thread.send({ type: 'bind', source, offload: this.offload, earlier, replyPayload: this.replies(source) });
    await bound;
    this.active.set(queue, thread);
    thread.on('detection', (...told) => this.emit('detection', ...told));
    thread.on('dataSets', (files) => this.emit('dataSets', files));
    thread.on('failed', (error) => void this.lose(queue, thread, error.message));
    thread.startWatching(performance.now());
    // Addresses, permit and rules may have changed while it was on its way.
    thread.send({ type: 'web-addresses', addresses: this.addresses });
    thread.send({ type: 'ban-permit', permit: this.permit });
    void this.changeRules(thread);
  }

  private makeStandby(rules = this.rules): void {
    if (rules === null) return;
    const thread = this.spawn();
    thread.load(rules);
    this.standby = thread;
    this.standbyReady = threadEvent(thread, 'ready');
    this.standbyReady.catch(() => {
      if (this.standby === thread) this.standby = null;
      void thread.kill();
    });
  }

  private async dropStandby(): Promise<void> {
    const thread = this.standby;
    this.standby = null;
    this.standbyReady = null;
    await thread?.kill();
  }

  private lookAtThreads(): void {
    const now = performance.now();
    for (const [queue, thread] of this.active) {
      const still = thread.stillFor(now);
      if (still > (thread.isCollecting ? COLLECTING_MILLISECONDS : STALLED_MILLISECONDS))
        void this.lose(queue, thread, `it has not moved for ${Math.round(still)} ms`);
    }
  }

  private async lose(queue: number, thread: WorkerThread, reason: string): Promise<void> {
    if (this.stopping || this.active.get(queue) !== thread) return;
    this.active.delete(queue);
    const since = performance.now();
    this.emit('lost', { queue, reason, thread });
    // Not waited for: a thread that hangs outside of JavaScript does not end, and its queue is free already.
    void thread.kill();
    await this.replace(queue, since);
  }

  private async replace(queue: number, since: number): Promise<void> {
    if (this.stopping) return;
    const thread = this.standby;
    const ready = this.standbyReady;
    this.standby = null;
    this.standbyReady = null;
    try {
      if (!thread || !ready) throw new Error('no worker stood by');
      this.arriving.add(thread);
      await ready;
      await this.bind(thread, queue);
      this.emit('replaced', { queue, milliseconds: Math.round(performance.now() - since) });
    } catch (error) {
      void thread?.kill();
      if (this.stopping) return;
      this.emit('unattended', { queue, reason: (error as Error).message });
      setTimeout(() => void this.replace(queue, since), RETRY_MILLISECONDS).unref();
    } finally {
      if (thread) this.arriving.delete(thread);
    }
    if (!this.stopping && !this.standby) this.makeStandby();
  }
}

/** Waits for `promise`, but no longer than so many milliseconds. */
async function within(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
