import { readlinkSync } from 'node:fs';
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { attachDatabases, Matcher } from '@portcullis/matcher';
import { SharedHistogram } from '@portcullis/metrics';
import type { AddressTableData } from '@portcullis/web-addresses';
import type { Detection } from '../detection';
import { DetectionPolicy, type DetectionPolicySettings } from '../detection-policy';
import { collectGarbage } from '../garbage';
import { Inspector } from '../inspector';
import type { OffloadMark } from '../inspector-options';
import { RuleHost } from '../rule-host';
import type { LoadedRules } from '../rule-opening';
import type { PreparedRules } from '../rule-source';
import { DetectionOutbox, GATHERING_MILLISECONDS } from './detection-outbox';
import { type Intake, openIntake } from './intake';
import { LiveClock } from './live-clock';
import { type FromWorker, type ToWorker, type WorkerSettings, WorkerWord } from './messages';
import { ProvisionalBans } from './provisional-bans';
import { rehearse } from './rehearsal';
import { sharedClockOffset } from './shared-clock';
import { publishCounters } from './worker-counters';

/** Bound once: the global is a getter, and asking it costs more than the time of day. */
const clock = performance;

/** What has to be added to this thread's clock for the one that all threads share. */
const CLOCK_OFFSET = sharedClockOffset();

/** The worker blocks in the kernel for so long at most, then looks after its other duties. */
const RECEIVE_MILLISECONDS = 50;
const PUBLISH_MILLISECONDS = 200;
/** Rules that are being reloaded get so much of the worker's time between two batches. */
const RELOAD_SLICE_MILLISECONDS = 2;
/** A queue that gives nothing for this many turns is drained. */
const DRAINED_TURNS = 2;
/** The kernel can be waited for with the last verdicts only so long. */
const DRAIN_MILLISECONDS = 1500;

type Binding = Extract<ToWorker, { type: 'bind' }>;

/**
 * One queue (or mirror) and everything its packets need, in one thread. Until the queue is bound the thread lives by
 * its event loop; from then on it blocks in the kernel between batches and reads its messages from there.
 */
export class QueueWorker {
  private readonly words: Int32Array;
  private readonly counters: Float64Array;
  private readonly latency: SharedHistogram;
  private readonly host: RuleHost;
  private loaded: LoadedRules | null = null;
  private addresses: AddressTableData | null = null;
  private readonly outbox = new DetectionOutbox({
    taken: () => this.words[WorkerWord.TAKEN] as number,
    bansWithoutHandshake: () => this.loaded?.policy.bansWithoutHandshake === true,
    now: () => clock.now(),
    send: (told) => this.say({ type: 'detections', told, rehearsal: false }),
  });
  private readonly time: LiveClock;
  private readonly bans = new ProvisionalBans(() => CLOCK_OFFSET + clock.now());
  private draining = false;
  /** When the batch in hand was taken, by this thread's clock. */
  private takenAt = 0;
  /** What waits in the queue was sent before somebody was let in by hand: no later than this, microseconds since 1970. */
  private unblockedAt = Number.POSITIVE_INFINITY;
  /** It was said in this turn of the loop. */
  private unblockedNow = false;
  /** Milliseconds spent on batches. */
  private busy = 0;
  private reloading: {
    offload: OffloadMark | null;
    steps: Generator<void, LoadedRules>;
  } | null = null;
  /** The rules before those in force are garbage that was not collected yet. */
  private leftovers = false;
  private inspector!: Inspector;
  private matcher!: Matcher;
  private intake!: Intake;

  constructor(
    private readonly settings: WorkerSettings,
    private readonly port: MessagePort,
  ) {
    this.host = new RuleHost(settings.protocols, [], settings.memory.rules.learnt);
    this.words = new Int32Array(settings.words);
    this.time = new LiveClock(() => clock.now(), settings.epoch + CLOCK_OFFSET);
    this.counters = new Float64Array(settings.counters);
    this.latency = new SharedHistogram(settings.latency);
  }

  /** Waits to be given rules, then a queue. */
  start(): void {
    let turn: Promise<void> = Promise.resolve();
    this.port.on('message', (message: ToWorker) => {
      // What comes while the rules are loaded waits for them.
      turn = turn.then(() => this.obey(message));
    });
  }

  private async obey(message: ToWorker): Promise<void> {
    if (message.type === 'load') await this.load(message.rules);
    else if (message.type === 'policy') this.setPolicy(message.policy);
    else if (message.type === 'web-addresses') this.addresses = message.addresses;
    else if (message.type === 'ban-permit') this.bans.allow(message.permit);
    else if (message.type === 'bind') this.serve(message);
  }

  private async load(rules: PreparedRules): Promise<void> {
    this.loaded = await this.host.open(rules);
    this.say({ type: 'ready', rules: this.loaded.summary });
    // While others get ready too.
    this.takenAt = clock.now();
    await rehearse((detection) => this.rehearseTelling(detection));
  }

  private tell(detection: Detection): void {
    detection.time = Math.min(this.time.timeOfDay(detection.time), this.unblockedAt);
    // The kernel's entry first: nothing that may wait is between the attack and its end.
    const banned = this.bans.consider(detection);
    this.outbox.tell({ detection, takenAt: CLOCK_OFFSET + this.takenAt, banned });
  }

  private rehearseTelling(detection: Detection): void {
    this.bans.rehearse(detection);
    const told = [{ detection, takenAt: CLOCK_OFFSET + this.takenAt, banned: null }];
    this.say({ type: 'detections', told, rehearsal: true });
  }

  private setPolicy(settings: DetectionPolicySettings): void {
    const loaded = this.loaded as LoadedRules;
    loaded.policy = new DetectionPolicy(settings, loaded.ruleset.rules.length);
  }

  private say(message: FromWorker): void {
    this.port.postMessage(message);
  }

  /** Binds the queue and stays in the packet loop until told to drain. */
  private serve({ source, offload, earlier, replyPayload }: Binding): void {
    this.matcher = new Matcher((this.loaded as LoadedRules).ruleset, {}, this.settings.memory.rules);
    this.matcher.limitExpressions();
    const intake = openIntake(source);
    this.intake = intake;
    this.inspector = new Inspector({
      matcher: this.matcher,
      protocols: this.host.protocols,
      stream: { ...this.settings.stream, firstId: this.settings.firstFlowId, replyPayload },
      inline: this.settings.inline,
      policy: (this.loaded as LoadedRules).policy,
      webAddresses: this.addresses,
      appLayer: this.settings.appLayer,
      decodePolicy: this.settings.decodePolicy,
      offload,
      earlier,
      expectedFlows: this.settings.memory.expectedFlows,
      ...intake.inspection,
      onDetection: (detection) => this.tell(detection),
      holdBlockedMicros: this.settings.holdBlockedMicros,
    });
    // A batch of packets that each take long is no stall.
    this.inspector.heartbeat = this.words.subarray(WorkerWord.HEARTBEAT);
    this.say({ type: 'bound', facts: intake.facts, threadId: kernelThreadId() });
    this.loop();
    // What parsers still hold of unfinished flows is told too.
    this.inspector.close();
    this.outbox.close();
    intake.close();
    this.bans.close();
    this.publish();
    this.tellDataSets();
    this.say({ type: 'stopped' });
    this.port.close();
  }

  private loop(): void {
    const { words, inspector, latency, time } = this;
    const { source, standing } = this.intake;
    const batchSize = source.batch.time.length;
    let nextPublish = 0;
    let emptyTurns = 0;
    let drainUntil = Number.POSITIVE_INFINITY;
    // Where packets come singly this loop is a good part of what they cost: it reads one clock, and shared words as they
    // are (a moment later is soon enough for both sides, and only this thread writes the heartbeat).
    for (;;) {
      words[WorkerWord.HEARTBEAT]++;
      const count = source.receive(this.patience());
      const taken = clock.now();
      // After receiving: what was said before these packets were taken counts for them.
      if (words[WorkerWord.MAIL] !== 0) {
        Atomics.store(words, WorkerWord.MAIL, 0);
        this.readMail();
        if (this.draining) drainUntil = Math.min(drainUntil, taken + DRAIN_MILLISECONDS);
      }
      const nowMicros = time.micros(taken);
      if (count > 0) {
        this.takenAt = taken;
        // Times that the kernel gives are of the system's clock, and only some packets have one.
        for (let place = 0; place < count; place++) source.batch.time[place] = 0;
        inspector.inspectBatch(source.batch, nowMicros);
        source.finalize();
        // Verdicts first: nobody waits for what is told of them.
        this.outbox.flush();
        const spent = clock.now() - taken;
        latency.observe(spent * 1000, count);
        this.busy += spent;
        emptyTurns = 0;
      } else if (count < 0) {
        return;
      } else {
        inspector.idle(nowMicros);
        this.outbox.sendGathered();
        // While nothing waits for a verdict: until then the old rules stand in memory beside the new ones.
        if (this.leftovers && this.reloading === null) {
          this.leftovers = false;
          Atomics.store(words, WorkerWord.COLLECTING, 1);
          collectGarbage();
          Atomics.store(words, WorkerWord.COLLECTING, 0);
        }
        emptyTurns++;
        if (this.draining && emptyTurns >= DRAINED_TURNS) return;
      }
      standing?.took(count, taken);
      // A turn that began after it was said, and found the queue empty: what comes from here on was sent later.
      if (this.unblockedNow) this.unblockedNow = false;
      else if (count < batchSize) this.unblockedAt = Number.POSITIVE_INFINITY;
      if (taken > drainUntil) return;
      if (taken >= nextPublish || words[WorkerWord.PUBLISH] !== 0) {
        nextPublish = taken + PUBLISH_MILLISECONDS;
        time.compare();
        this.publish();
        Atomics.store(words, WorkerWord.PUBLISH, 0);
      }
      if (this.reloading !== null) this.continueReload();
    }
  }

  /** Milliseconds that packets may be waited for. */
  private patience(): number {
    if (this.reloading !== null) return 0;
    return this.outbox.pending ? GATHERING_MILLISECONDS : RECEIVE_MILLISECONDS;
  }

  private readMail(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.port);
      if (received === undefined) return;
      const message = received.message as ToWorker;
      switch (message.type) {
        case 'reload':
          this.reloading = {
            offload: message.offload,
            steps: this.host.steps(message.rules),
          };
          break;
        case 'offload':
          this.inspector.setOffload(message.offload);
          break;
        case 'policy':
          this.setPolicy(message.policy);
          this.inspector.setPolicy((this.loaded as LoadedRules).policy);
          break;
        case 'web-addresses':
          this.inspector.setWebAddresses(message.addresses);
          break;
        case 'forget-blocked':
          this.inspector.forgetBlockedSources();
          if (message.unblockedAt !== null) {
            this.unblockedAt = message.unblockedAt;
            this.unblockedNow = true;
          }
          break;
        case 'ban-permit':
          this.bans.allow(message.permit);
          break;
        case 'adopt-earlier':
          this.inspector.adoptEarlier();
          break;
        case 'reply-payload':
          this.inspector.setReplyPayload(message.seen);
          break;
        case 'drain':
          this.draining = true;
          break;
        case 'load':
        case 'bind':
          break;
      }
    }
  }

  /** One slice of the new rules; packets are inspected with the old ones until the new ones are complete. */
  private continueReload(): void {
    const { reloading } = this;
    if (reloading === null) return;
    const until = clock.now() + RELOAD_SLICE_MILLISECONDS;
    while (clock.now() < until) {
      const step = reloading.steps.next();
      if (!step.done) continue;
      this.reloading = null;
      const { ruleset, policy, summary } = step.value;
      // The worker standing by has compiled the databases of the same rules: they are only attached here.
      if (attachDatabases(ruleset) > 0) {
        this.say({
          type: 'failed',
          code: 'DATABASES_MISSING',
          message: 'the pattern databases of the new rules are missing',
        });
        return;
      }
      this.matcher.swap(ruleset);
      this.inspector.setPolicy(policy);
      this.inspector.setOffload(reloading.offload);
      this.loaded = step.value;
      this.host.adopt(step.value);
      this.leftovers = true;
      this.say({ type: 'reloaded', rules: summary });
      return;
    }
  }

  /** What data sets have learnt goes to the daemon, which keeps their files. */
  private tellDataSets(): void {
    const sets = this.host.dataSets.saved();
    if (sets.length === 0) return;
    const files = sets.map((set) => ({
      path: set.savePath as string,
      text: set.toFile(),
      removed: set.removedToFile(),
    }));
    this.say({ type: 'data-sets', files });
  }

  private publish(): void {
    const { inspector, intake } = this;
    intake.count(inspector.counters);
    publishCounters(
      this.counters,
      { queue: intake.counters, inspection: inspector.counters, stream: inspector.reassembler.counters },
      {
        flows: inspector.flowCount,
        heldBytes: inspector.heldBytes,
        parserBytes: inspector.parserBytes,
        rawTailsMissing: inspector.rawTailsMissing,
        expressionsSkipped: this.matcher.expressionsSkipped,
        rulesLeftOut: this.matcher.leftOut,
        busySeconds: this.busy / 1000,
        queueLength: intake.standing?.length ?? 0,
        lost: this.outbox.lost,
      },
    );
  }
}

/** proc(5): `PID/task/TID`. */
function kernelThreadId(): number {
  return Number(readlinkSync('/proc/thread-self').split('/').pop());
}
