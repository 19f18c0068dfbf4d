import { Worker } from 'node:worker_threads';
import {
  type Detection,
  type FromWorker,
  inspectionWorkerPath,
  type PreparedRules,
  type ProvisionalBan,
  type QueueFacts,
  type RuleSummary,
  sharedClockOffset,
  type ToWorker,
  WorkerCounterNames,
  type WorkerSettings,
  WorkerWord,
} from '@portcullis/engine';
import { SharedCounters, SharedHistogram } from '@portcullis/metrics';
import { NfQueue } from '@portcullis/nfqueue-binding';
import { EventEmitter } from 'eventemitter3';
import { Stillness } from './stillness';

/** A file of values that rules have learnt: as a path below the directory for such files, and one value a line. */
export interface DataSetFile {
  readonly path: string;
  readonly text: string;
  /** Values that the file may have, and rules have taken out. */
  readonly removed: string;
}

interface WorkerEvents {
  ready: [RuleSummary];
  bound: [QueueFacts | null];
  reloaded: [RuleSummary];
  /**
   * `began`: when its packet was taken from the queue; `banned`: what the worker has banned already, and when. Both by
   * `performance.now` of the main thread.
   */
  detection: [Detection, began: number, banned: ProvisionalBan | null];
  /** Nothing has happened. */
  rehearsal: [Detection];
  dataSets: [readonly DataSetFile[]];
  stopped: [];
  /** The thread is gone, or says that it cannot go on. Once per thread. */
  failed: [Error & { code?: string }];
  /** The thread was told to end: nothing more is to be expected of it. */
  killed: [];
}

/** What has to be taken from the clock that all threads share for that of this thread. */
const CLOCK_OFFSET = sharedClockOffset();

export type WorkerThreadSettings = Omit<WorkerSettings, 'words' | 'counters' | 'latency'>;

/** One inspection thread as the supervisor sees it: messages, shared memory, and the means to end it. */
export class WorkerThread extends EventEmitter<WorkerEvents> {
  readonly counters = new SharedCounters(WorkerCounterNames);
  readonly latency = new SharedHistogram();
  queue: QueueFacts | null = null;
  /** As the kernel numbers threads; 0 until it is bound. */
  threadId = 0;
  /** The rules it works with, or was last told to; null: none yet. */
  rules: PreparedRules | null = null;
  private readonly words = new Int32Array(new SharedArrayBuffer(WorkerWord.COUNT * 4));
  private readonly worker: Worker;
  private over = false;
  private readonly stillness = new Stillness(performance.now());

  /** @param script what runs in the thread; tests give their own */
  constructor(settings: WorkerThreadSettings, script: string = inspectionWorkerPath) {
    super();
    const workerData: WorkerSettings = {
      ...settings,
      words: this.words.buffer as SharedArrayBuffer,
      counters: this.counters.buffer,
      latency: this.latency.buffer,
    };
    this.worker = new Worker(script, { workerData });
    this.worker.on('message', (message: FromWorker) => this.receive(message));
    this.worker.on('error', (error: Error) => this.fail(error));
    this.worker.on('exit', (code) => this.fail(new Error(`the thread ended by itself (code ${code})`)));
  }

  /** Gives it the rules to begin with. */
  load(rules: PreparedRules): void {
    this.rules = rules;
    this.send({ type: 'load', rules });
  }

  send(message: ToWorker): void {
    this.worker.postMessage(message);
    Atomics.store(this.words, WorkerWord.MAIL, 1);
  }

  /** Has the worker publish its counters as soon as it can: with its batch in hand, or within 50 ms where it has none. */
  askForCounters(): void {
    Atomics.store(this.words, WorkerWord.PUBLISH, 1);
  }

  /** Whether it has done so since. */
  get countersAreFresh(): boolean {
    return Atomics.load(this.words, WorkerWord.PUBLISH) === 0;
  }

  /** Milliseconds for which the worker has not moved, without those in which it waited for a processor. */
  stillFor(now: number): number {
    return this.stillness.lookAt(Atomics.load(this.words, WorkerWord.HEARTBEAT), this.threadId, now);
  }

  /** It collects its garbage, all of it at once. */
  get isCollecting(): boolean {
    return Atomics.load(this.words, WorkerWord.COLLECTING) !== 0;
  }

  /** Counting starts now: a thread that was busy loading is not stalled. */
  startWatching(now: number): void {
    this.stillness.restart(Atomics.load(this.words, WorkerWord.HEARTBEAT), now);
  }

  /**
   * Ends the thread whatever it does. Its queue is taken from it at once, so that the kernel stops waiting for it
   * even while the thread still runs.
   * @returns settles when the thread has ended, which one that is stuck outside of JavaScript may never do: who cannot
   *   wait does not
   */
  async kill(): Promise<void> {
    this.over = true;
    if (this.queue) NfQueue.abandon(this.queue.fd, this.queue.portId);
    this.queue = null;
    this.emit('killed');
    await this.worker.terminate();
  }

  private receive(message: FromWorker): void {
    if (this.over) return;
    switch (message.type) {
      case 'ready':
        this.emit('ready', message.rules);
        break;
      case 'bound':
        this.queue = message.facts;
        this.threadId = message.threadId;
        this.emit('bound', message.facts);
        break;
      case 'reloaded':
        this.emit('reloaded', message.rules);
        break;
      case 'detections':
        for (const { detection, takenAt, banned } of message.told) {
          if (message.rehearsal) this.emit('rehearsal', detection);
          else
            this.emit(
              'detection',
              detection,
              takenAt - CLOCK_OFFSET,
              banned && { ...banned, at: banned.at - CLOCK_OFFSET },
            );
        }
        // So many more may be on their way.
        if (!message.rehearsal) Atomics.add(this.words, WorkerWord.TAKEN, message.told.length);
        break;
      case 'data-sets':
        this.emit('dataSets', message.files);
        break;
      case 'stopped':
        this.over = true;
        this.queue = null;
        this.emit('stopped');
        break;
      case 'failed':
        this.fail(Object.assign(new Error(message.message), { code: message.code }));
        break;
    }
  }

  private fail(error: Error): void {
    if (this.over) return;
    this.over = true;
    this.emit('failed', error);
  }
}

/** Waits for one event of a thread. @throws the thread's error when it fails first, or that it was ended */
export function threadEvent<Name extends 'ready' | 'bound' | 'reloaded' | 'stopped'>(
  thread: WorkerThread,
  name: Name,
): Promise<WorkerEvents[Name] extends [infer Value] ? Value : void> {
  return new Promise((resolve, reject) => {
    const done = (value?: unknown) => {
      forget();
      resolve(value as never);
    };
    const failed = (error: Error) => {
      forget();
      reject(error);
    };
    const killed = () => failed(new Error('the thread was ended'));
    const forget = () => {
      thread.off(name, done as never);
      thread.off('failed', failed);
      thread.off('killed', killed);
    };
    thread.once(name, done as never);
    thread.once('failed', failed);
    thread.once('killed', killed);
  });
}
