import { readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import {
  type Configuration,
  ConfigurationError,
  changedRestartKeys,
  exportSettings,
  keepRestartKeys,
  type LoadOptions,
  prepareChange,
  type ResolvedConfiguration,
  resolveConfiguration,
  type SettingsChange,
  settingRows,
} from '@portcullis/configuration';
import {
  ControlError,
  ControlServer,
  type Mode,
  type QueueRow,
  type ReloadAnswer,
  type RulesAnswer,
  type SettingsAnswer,
  type ShownSettings,
  type StatusAnswer,
} from '@portcullis/control';
import {
  describeFailedRule,
  type EarlierConnectionSettings,
  keptRulesNow,
  prepareRulesApart,
  type RuleSource,
  type RuleSummary,
  ruleClasses,
  ruleSourceKey,
} from '@portcullis/engine';
import type { EveRecord, FanOutSink } from '@portcullis/events';
import { type FirewallBackend, KernelFirewall, MarkLayout, MemoryFirewall } from '@portcullis/firewall';
import { MetricsServer, parseListenAddress } from '@portcullis/metrics';
import { RawSender, setThreadSlice, TcpSockets } from '@portcullis/nfqueue-binding';
import { type Classification, STANDARD_CLASSIFICATION } from '@portcullis/rules';
import { EventEmitter } from 'eventemitter3';
import { BanPermits } from './ban-permits';
import { Bans } from './bans';
import { keepDataSets } from './data-set-files';
import { type DecoyLimits, Decoys } from './decoys';
import { earlierConnections, interceptedSockets } from './earlier-connections';
import { engineEvent } from './engine-event';
import { EngineLock } from './engine-lock';
import { engineStatus, queueRows, rulesAnswer } from './engine-status';
import { Incidents } from './incidents';
import { installPlan } from './install-plan';
import { localAddresses } from './interfaces';
import { LostDetections } from './lost-detections';
import { daemonRegistry } from './metrics';
import { Mirrors } from './mirrors';
import { NeverBlock } from './never-block';
import { openOutputs } from './outputs';
import { QueuePressure, type QueuePressureFacts } from './queue-pressure';
import { Registration } from './registration';
import { Responses } from './responses';
import { readRuleSource } from './rule-source';
import { StandingTrouble } from './standing-trouble';
import { type EngineState, endedEarlier, protectingNow, StateFile } from './state-file';
import { notifyReady, notifyReloading, notifyStopping, startWatchdog } from './systemd';
import { takeDown } from './take-down';
import { Traffic } from './traffic';
import { WebAddressLists } from './web-address-lists';
import { Supervisor } from './workers/supervisor';
import { queueSources, supervisorSettings } from './workers/supervisor-settings';

export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface DaemonOptions {
  configurationFile: string | null;
  overrides: readonly string[];
  /** The administration's policy, which wins over everything else; null: there is none. */
  policyFile: string | null;
  /** Turn protection on, as `enable` does. */
  enable: boolean;
  logger: Logger;
  version: string;
}

interface DaemonEvents {
  /** A detection with what was done about it, as its EVE record was written. */
  alert: [EveRecord];
}

/** What tells the rules in force from others. */
interface RulesInForce {
  key: string;
  lists: RuleSource['lists'] | undefined;
  classification: RuleSource['classification'];
}

/** Somebody who flushes our rules is to be noticed within two seconds, whatever else the machine has to do. */
const DRIFT_MILLISECONDS = 1000;
/** Whether tables have changed at all the kernel tells in microseconds. */
const CHANGE_MILLISECONDS = 100;
/** Tables are read no more often than this: programs that manage a firewall change it many times a second. */
const CALM_MILLISECONDS = 300;
const FACTS_MILLISECONDS = 1000;
/** What it is worst not to get rid of. */
const RULES = 'the firewall rules';
/** Nice value of the main thread: a ban is not to wait for busy workers. Workers set their own back. */
const MAIN_THREAD_NICE = -10;
/** It runs for little at a time, and is to get to that soon. */
const MAIN_THREAD_SLICE_MICROS = 100;

/**
 * The engine as a service: configuration, workers, firewall, bans, events, metrics and the control socket, brought
 * up in the order in which a failure can be undone, and taken down in the reverse.
 */
export class PortcullisDaemon extends EventEmitter<DaemonEvents> {
  private resolved: ResolvedConfiguration;
  private configuration: Configuration;
  private readonly mode: Mode;
  private inForce: RulesInForce | null = null;
  private readonly state: StateFile;
  private readonly startedAt = Date.now();
  private firewall!: FirewallBackend;
  private bans!: Bans;
  private responses!: Responses;
  private permits!: BanPermits;
  private control!: ControlServer;
  private metrics: MetricsServer | null = null;
  private sink!: FanOutSink;
  private neverBlock: NeverBlock;
  private supervisor: Supervisor | null = null;
  /** What is watched instead of queues; null: queues are served. */
  private mirrors: Mirrors | null = null;
  private decoys: Decoys | null = null;
  private rules: RuleSummary | null = null;
  private rulesLoadedAt: Date | null = null;
  private classes: Classification = STANDARD_CLASSIFICATION;
  private readonly lock = new EngineLock();
  private readonly traffic = new Traffic();
  private readonly incidents = new Incidents();
  private readonly webAddresses = new WebAddressLists({
    onLoaded: (table) => this.supervisor?.setWebAddresses(table),
    onProblem: (record, message) => {
      this.incidents.count('web-address-list');
      this.log.warn(message);
      this.sink.write(record);
    },
    onNews: (message) => this.log.info(message),
  });
  /** What the state file says, or would say if it could be written. */
  private remembered: EngineState = { enabled: null, generation: 0, protecting: null };
  private readonly forgetful: StandingTrouble;
  private readonly blind: StandingTrouble;
  private readonly pressure: QueuePressure;
  private readonly lostDetections = new LostDetections((over, message) => {
    if (over) this.log.info(message);
    else this.log.error(message);
    this.sink.write(engineEvent('EVENTS_LOST', message));
  });
  /** How often rules of ours were put back. */
  private drifts = 0;
  private repairing = false;
  /** When the last look at the firewall ended. */
  private lookedAt = 0;
  private stopping = false;
  private driftTimer: NodeJS.Timeout | null = null;
  private factsTimer: NodeJS.Timeout | null = null;
  private stopWatchdog = (): void => {};
  /** enable, disable, reload and stop follow one another. */
  private turn: Promise<unknown> = Promise.resolve();

  /** @throws ConfigurationError */
  constructor(private readonly options: DaemonOptions) {
    super();
    this.resolved = resolveConfiguration(this.loadOptions);
    this.configuration = this.resolved.configuration;
    this.mode = new Registration(this.configuration['state-dir']).mode;
    this.state = new StateFile(this.configuration['state-dir']);
    this.forgetful = new StandingTrouble(this.log);
    this.blind = new StandingTrouble(this.log);
    this.pressure = new QueuePressure(this.log);
    this.neverBlock = this.makeNeverBlock();
  }

  private get log(): Logger {
    return this.options.logger;
  }

  get protecting(): boolean {
    return this.supervisor !== null;
  }

  /**
   * Brings everything up. What fails is undone before this throws.
   * @throws ConfigurationError, RuleSourceError, ControlError ENGINE_RUNNING, FirewallError, NfQueueError
   */
  async start(): Promise<void> {
    const undo: (() => Promise<unknown>)[] = [];
    hurryMainThread();
    try {
      // Errors a user can make are found before anything is touched.
      const source = this.readRules();
      this.marks();
      this.refuseWatching();
      for (const doubt of this.resolved.warnings) this.log.warn(doubt);
      await this.lock.acquire();
      undo.push(() => this.lock.release());
      this.control = new ControlServer(this.configuration.control.socket, this.handlers());
      await this.control.listen();
      undo.push(() => this.control.close());
      this.sink = await openOutputs(this.configuration, { log: this.log, version: this.options.version });
      undo.push(() => this.sink.close());
      this.firewall = await KernelFirewall.open({
        backend: this.configuration.firewall.backend,
        banSets: { onGrowthFailure: (error) => this.setTooSmall(error) },
      });
      undo.push(() => this.firewall.close());
      const state = this.state.read();
      if (state.damaged)
        this.log.warn(
          `${this.state.path} is damaged: whether protection was on is not known, so it is; 'portcullis disable' turns it off`,
        );
      const { enabled, generation } = state;
      this.remembered = { enabled, generation, protecting: null };
      const ended = endedEarlier(state.protecting, this.failsOpen ? 'passed uninspected' : 'was dropped');
      if (ended !== null) this.log.warn(ended);
      await this.firewall.install(this.plan(false));
      undo.push(() => this.firewall.remove());
      this.bans = this.makeBans();
      this.responses = this.makeResponses();
      this.permits = this.makePermits();
      const report = await this.bans.service.start();
      undo.push(() => this.bans.service.stop());
      const { damagedLines } = report.ledger;
      if (damagedLines > 0)
        this.log.warn(
          `${damagedLines} damaged lines of the ban ledger were passed over; of the bans they held, ${report.adopted} were in the kernel and are kept`,
        );
      if (report.restored > 0) this.log.info(`${report.restored} bans are in force again`);
      await this.startMetrics();
      undo.push(async () => this.metrics?.close());
      this.webAddresses.configure(this.configuration, this.options.configurationFile);
      undo.push(async () => this.webAddresses.stop());
      // A policy turns protection on by itself; what an administrator has said since counts.
      const wanted = state.enabled ?? (this.resolved.hasPolicy || state.damaged);
      // A restart is no turning on: what went through before goes on.
      const again = wanted && (state.generation > 0 || state.damaged);
      if (this.options.enable || wanted) await this.protect(source, again);
      if (this.options.enable && state.enabled !== true) this.remember({ enabled: true });
      this.driftTimer = setInterval(() => this.watchForDrift(), CHANGE_MILLISECONDS);
      this.factsTimer = setInterval(() => this.lookAround(), FACTS_MILLISECONDS);
    } catch (error) {
      for (const step of undo.reverse()) await step().catch((late: Error) => this.log.error(late.message));
      throw error;
    }
    notifyReady();
    this.stopWatchdog = startWatchdog();
  }

  /** Takes the rules away, decides what the queues still hold, ends everything. Bans stay in force. */
  stop(options: { purge?: boolean } = {}): Promise<{ bansLeft: number; bypassKept: boolean }> {
    this.stopping = true;
    return this.inTurn(async () => {
      notifyStopping();
      if (this.driftTimer) clearInterval(this.driftTimer);
      if (this.factsTimer) clearInterval(this.factsTimer);
      this.webAddresses.stop();
      this.permits.withdraw();
      let report = { bansLeft: 0, bypassKept: false };
      // An engine that stops half-way is killed, and leaves more behind than one of these.
      const problems = await takeDown([
        ['the control socket', () => this.control.close()],
        ['the bans', () => (options.purge ? this.bans.service.remove('all') : undefined)],
        [
          RULES,
          async () => {
            report = await this.firewall.remove(options);
          },
        ],
        ['the mirrors', () => this.mirrors?.close()],
        ['the decoys', () => this.closeDecoys()],
        ['the workers', () => this.supervisor?.stop()],
        ['the state file', () => this.remember({ protecting: null })],
        ['the ban ledger', () => this.bans.service.stop()],
        ['the firewall', () => this.firewall.close()],
        ['the metrics', () => this.metrics?.close()],
        ['the outputs', () => this.sink.close()],
        ['the lock', () => this.lock.release()],
      ]);
      this.supervisor = null;
      this.stopWatchdog();
      for (const [what, { message }] of problems)
        if (what !== RULES) this.log.error(`${what} could not be ended in good order: ${message}`);
      const stays = problems.get(RULES);
      if (stays !== undefined) throw this.rulesStay(stays);
      return report;
    });
  }

  private rulesStay({ message }: Error): Error {
    const { failsOpen } = this;
    const traffic = failsOpen ? 'passes uninspected' : 'of the queued ports is dropped';
    return new ControlError(
      'RULES_STAY',
      `stopped, but the firewall rules could not be taken away, traffic ${traffic}: ${message} ` +
        "When that is mended, 'portcullis service clear-firewall' takes them away.",
    );
  }

  enable(): Promise<{ state: string }> {
    return this.inTurn(async () => {
      if (!this.supervisor) await this.protect();
      this.rememberOrTell({ enabled: true }, 'protection is on');
      return { state: 'protecting' };
    });
  }

  disable(): Promise<{ state: string; bans_left: number }> {
    return this.inTurn(async () => {
      await this.unprotect();
      this.rememberOrTell({ enabled: false }, 'protection is off');
      return { state: 'disabled', bans_left: this.bans.service.size };
    });
  }

  /**
   * Reads rules and configuration again.
   * @throws what is wrong with them; the old ones stay in force then
   */
  reload(): Promise<ReloadAnswer> {
    return this.inTurn(async () => {
      notifyReloading();
      try {
        const resolved = resolveConfiguration(this.loadOptions);
        const answer = await this.apply(resolved);
        for (const doubt of resolved.warnings) this.log.warn(doubt);
        return answer;
      } catch (error) {
        this.incidents.count('reload-failed');
        throw error;
      } finally {
        notifyReady();
      }
    });
  }

  /**
   * Changes settings from the command line: tried out as a whole, kept over a restart, in force at once.
   * @throws what is wrong with them; nothing has changed then
   */
  changeSettings(change: SettingsChange): Promise<SettingsAnswer> {
    return this.inTurn(async () => {
      const prepared = prepareChange(this.loadOptions, change);
      prepared.store();
      try {
        const { needs_restart } = await this.apply(prepared.resolved);
        this.log.info(`settings changed: ${prepared.keys.join(', ') || 'none are left'}`);
        return { changed: [...prepared.keys], needs_restart };
      } catch (error) {
        prepared.undo();
        throw error;
      }
    });
  }

  private async apply(resolved: ResolvedConfiguration): Promise<ReloadAnswer> {
    const read = resolved.configuration;
    const before = this.configuration;
    const source = readRuleSource(read, this.options.configurationFile);
    const needsRestart = changedRestartKeys(before, read);
    const next = keepRestartKeys(before, read);
    await this.sink.reopen();
    this.permits.hold();
    this.configuration = next;
    try {
      if (this.supervisor) await this.change(this.supervisor, source);
      this.resolved = resolved;
      if (!next.scan.decoy) this.closeDecoys();
      this.neverBlock = this.makeNeverBlock();
      this.webAddresses.configure(next, this.options.configurationFile);
      await this.letExcludedIn();
    } catch (error) {
      if (this.resolved !== resolved) this.configuration = before;
      throw error;
    } finally {
      this.permits.release();
    }
    this.log.info(`reloaded: ${this.rulesAnswer().loaded} rules`);
    return { rules: this.rulesAnswer(), needs_restart: needsRestart };
  }

  /** Brings workers and kernel to the configuration; the rules themselves are only loaded again where they differ. */
  private async change(supervisor: Supervisor, source: RuleSource): Promise<void> {
    // What is taken into inspection by a change goes on; `on-enable` is about turning protection on.
    supervisor.adoptEarlier();
    await this.openDecoys();
    const { lists, policy } = source;
    const key = ruleSourceKey(source);
    if (policy && key === this.inForce?.key && isDeepStrictEqual(lists, this.inForce.lists)) {
      await this.firewall.install(this.plan(true));
      supervisor.setPolicy(policy);
      return;
    }
    const generation = this.nextGeneration();
    const summary = await supervisor.reload(() => prepareRulesApart(source), null);
    this.acceptRules(summary, key, source);
    if (!summary.replyPayload) supervisor.setReplyPayload(false);
    await this.firewall.install(this.plan(true));
    if (summary.replyPayload) supervisor.setReplyPayload(true);
    supervisor.setOffload(this.offload(generation));
  }

  /** An exclusion of a banned device lets it in. */
  private async letExcludedIn(): Promise<void> {
    for (const { src } of this.configuration.exclusions) {
      if (src !== undefined) await this.bans.service.remove(src);
    }
  }

  // ── Protection on and off ────────────────────────────────────────────────────────────────────────────────

  private readRules(): RuleSource {
    return readRuleSource(this.configuration, this.options.configurationFile);
  }

  /** @param again it was on until now, but for a restart: connections are adopted, whatever `on-enable` says */
  private async protect(source = this.readRules(), again = false): Promise<void> {
    const marks = this.marks();
    const mirrors = this.openMirrors();
    // A raw socket that cannot be had would otherwise be found out by the first reject rule.
    if (mirrors === null) RawSender.open({ mark: marks.injected }).close();
    const sources = mirrors?.sources ?? queueSources(this.configuration, marks, this.mode);
    const supervisor = new Supervisor(supervisorSettings(this.configuration, sources, this.mode));
    this.listenTo(supervisor);
    const generation = this.nextGeneration();
    const key = ruleSourceKey(source);
    const prepare = async () => keptRulesNow(source) ?? (await prepareRulesApart(source));
    let summary: RuleSummary;
    try {
      summary = await supervisor.start(prepare, this.offload(generation), () =>
        again ? null : this.earlierConnections(),
      );
    } catch (error) {
      mirrors?.close();
      throw error;
    }
    this.mirrors = mirrors;
    try {
      this.acceptRules(summary, key, source);
      await this.openDecoys();
      await this.firewall.install(this.plan(true));
      if (!again) await this.resetOwnConnections();
    } catch (error) {
      this.mirrors = null;
      const problems = await takeDown([
        ['the firewall rules', () => this.firewall.install(this.plan(false))],
        ['the mirrors', () => mirrors?.close()],
        ['the decoys', () => this.closeDecoys()],
        ['the workers', () => supervisor.stop()],
      ]);
      for (const [what, { message }] of problems) this.log.error(`${what}: ${message}`);
      throw error;
    }
    this.supervisor = supervisor;
    this.remember({ protecting: protectingNow() });
    supervisor.setWebAddresses(this.webAddresses.table);
    this.permits.withdraw();
    this.permits.renew();
  }

  private async unprotect(): Promise<void> {
    const { supervisor } = this;
    if (!supervisor) return;
    this.permits.withdraw();
    await this.firewall.install(this.plan(false));
    this.supervisor = null;
    this.remember({ protecting: null });
    this.mirrors?.close();
    this.mirrors = null;
    this.closeDecoys();
    await supervisor.stop();
    this.traffic.retire(supervisor.workers);
  }

  /** What becomes of the connections that are there; null: they are adopted. Monitoring never changes traffic. */
  private earlierConnections(): EarlierConnectionSettings | null {
    if (this.mode === 'monitoring') return null;
    const onEnable = this.configuration['on-enable'];
    return earlierConnections(onEnable, onEnable === 'reset' ? this.sockets().all : [], Date.now() * 1000);
  }

  private sockets(): Pick<TcpSockets, 'all' | 'destroy'> {
    try {
      return TcpSockets.list();
    } catch (error) {
      this.log.warn((error as Error).message);
      return { all: [], destroy: () => 0 };
    }
  }

  /** Connections of this host's own programs end at once, forwarded ones at their next packet: that is the workers' part. */
  private async resetOwnConnections(): Promise<void> {
    const earlier = this.earlierConnections();
    // What the administrator's chain takes out of inspection only the kernel knows; what it does not is reset later.
    if (earlier === null || (await this.firewall.bypassRules()) > 0) return;
    const sockets = this.sockets();
    const ended = interceptedSockets(sockets.all, this.plan(true), earlier.kept, localAddresses());
    try {
      const count = sockets.destroy(ended);
      if (count > 0) this.log.info(`${count} connections of this host that were there before were reset`);
    } catch (error) {
      this.log.warn(
        `connections of this host are reset at their next packet only: ${(error as Error).message}`,
      );
    }
  }

  /** Before rules lead to them. In Monitoring mode nothing is accepted that would not be without us. */
  private async openDecoys(): Promise<void> {
    const { scan } = this.configuration;
    if (!scan.decoy || this.mode === 'monitoring') return;
    const limits: DecoyLimits = {
      connections: scan['decoy-connections'],
      bytes: scan['decoy-bytes'],
      seconds: scan['decoy-timeout'],
    };
    if (this.decoys) this.decoys.setLimits(limits);
    else this.decoys = await Decoys.listen(limits);
  }

  /** After no rule leads to them any more. */
  private closeDecoys(): void {
    this.decoys?.close();
    this.decoys = null;
  }

  /** @throws ConfigurationError */
  private refuseWatching(): void {
    if (this.mode === 'monitoring' || this.configuration.pcap.length === 0) return;
    throw new ConfigurationError(this.options.configurationFile ?? 'configuration', [
      {
        key: 'pcap',
        message:
          "a mirror can only be watched in Monitoring mode: 'portcullis service register --mode monitoring', or take the key out",
        line: 0,
      },
    ]);
  }

  /** @throws MirrorError */
  private openMirrors(): Mirrors | null {
    const { pcap } = this.configuration;
    return pcap.length === 0 ? null : Mirrors.open(pcap);
  }

  /** What has to be known before it is needed, and what nobody tells. */
  private lookAround(): void {
    this.neverBlock.refresh();
    this.bans.service.lookAround();
    this.permits.renew();
    if (this.forgetful.standing) this.remember({});
    this.lostDetections.look(this.traffic.totals(this.supervisor?.workers ?? new Map()));
    if (this.mirrors === null)
      this.pressure.look(
        queueRows(this.supervisor).map(pressureOf),
        this.failsOpen ? 'passes uninspected' : 'is dropped',
      );
    const { lost, back } = this.mirrors?.lookAfter() ?? { lost: [], back: [] };
    for (const name of lost) {
      this.incidents.count('mirror-gone');
      this.log.error(`interface ${name} went down or away: nothing is seen of it until it is back`);
    }
    for (const name of back) this.log.info(`interface ${name} is watched again`);
  }

  private listenTo(supervisor: Supervisor): void {
    const passes = this.failsOpen ? 'passes uninspected' : 'is dropped';
    const place = (number: number) =>
      this.configuration.pcap.length === 0
        ? `queue ${number}`
        : `mirror ${this.configuration.pcap[number]?.interface}`;
    supervisor.on('detection', async (...told) => this.emit('alert', await this.responses.to(...told)));
    supervisor.on('rehearsal', (detection) => this.responses.rehearse(detection));
    supervisor.on('dataSets', (files) => {
      try {
        keepDataSets(files);
      } catch (error) {
        this.log.error(`data sets could not be kept: ${(error as Error).message}`);
      }
    });
    supervisor.on('lost', ({ queue, reason, thread }) => {
      this.incidents.count('worker-lost');
      this.traffic.retire(new Map([[queue, thread]]));
      this.log.error(
        `the worker of ${place(queue)} is lost: ${reason}; its traffic ${passes} until another takes over`,
      );
    });
    const unattended = new Set<number>();
    supervisor.on('replaced', ({ queue, milliseconds }) => {
      unattended.delete(queue);
      this.log.info(`${place(queue)} has a worker again after ${milliseconds} ms`);
    });
    supervisor.on('unattended', ({ queue, reason }) => {
      if (unattended.has(queue)) return;
      unattended.add(queue);
      this.log.error(`${place(queue)} has no worker: ${reason}; its traffic ${passes}; trying again`);
    });
  }

  private plan(on: boolean) {
    const { configuration, mode, rules } = this;
    const { generation } = this.remembered;
    const decoyListeners = on && configuration.scan.decoy ? (this.decoys?.listeners ?? null) : null;
    return installPlan(configuration, { on, mode, generation, rules, decoyListeners });
  }

  private get failsOpen(): boolean {
    return this.configuration.nfqueue['fail-open'] || this.mode === 'monitoring';
  }

  private queueCount(): number {
    const { first, last } = this.configuration.nfqueue.queues;
    return last - first + 1;
  }

  private marks(): MarkLayout {
    return MarkLayout.from(this.configuration.mark.mask, this.queueCount());
  }

  private offload(generation: number): { mask: number; mark: number } | null {
    if (!this.configuration.stream.bypass) return null;
    const marks = this.marks();
    return { mask: marks.mask, mark: marks.offloadMark(generation) };
  }

  private nextGeneration(): number {
    const generation = this.remembered.generation + 1;
    this.remember({ generation });
    return generation;
  }

  /** A disk that is full or read-only stops nothing; it is tried again. @returns why it could not be written */
  private remember(change: Partial<EngineState>): Error | null {
    this.remembered = { ...this.remembered, ...change };
    try {
      this.state.write(this.remembered);
      this.forgetful.ends(`${this.state.path} is written again`);
      return null;
    } catch (error) {
      this.forgetful.begins(
        `${this.state.path} cannot be written, a restart finds what it said before: ${(error as Error).message}`,
      );
      return error as Error;
    }
  }

  /** What somebody has asked for has to last. @throws ControlError STATE_NOT_KEPT */
  private rememberOrTell(change: Partial<EngineState>, done: string): void {
    const error = this.remember(change);
    if (error === null) return;
    throw new ControlError('STATE_NOT_KEPT', `${done}, but a restart may not find it so: ${error.message}`);
  }

  private watchForDrift(): void {
    const since = performance.now() - this.lookedAt;
    if (since >= DRIFT_MILLISECONDS || (since >= CALM_MILLISECONDS && this.firewall.mayHaveChanged()))
      void this.repairDrift();
  }

  /** Puts back what others have taken away of ours. */
  private async repairDrift(): Promise<void> {
    if (this.repairing || this.stopping) return;
    this.repairing = true;
    await this.inTurn(async () => {
      // What is taken away for good is no drift.
      if (this.stopping) return;
      const differences = await this.firewall.repair();
      this.blind.ends('the firewall rules are looked after again');
      if (differences.length > 0) {
        this.drifts++;
        this.incidents.count('firewall-repaired');
        this.log.warn(`somebody changed our firewall rules, they are put back: ${differences.join('; ')}`);
      }
      const restored = await this.bans.service.repairDrift();
      if (restored > 0) this.log.warn(`somebody emptied a ban set: ${restored} bans were put back`);
    }).catch(({ message }: Error) =>
      this.blind.begins(
        `the firewall rules cannot be looked after, what others take away of them is not put back: ${message}`,
      ),
    );
    this.lookedAt = performance.now();
    this.repairing = false;
  }

  // ── Questions ────────────────────────────────────────────────────────────────────────────────────────────

  private handlers() {
    return {
      status: () => this.status(),
      enable: () => this.enable(),
      disable: () => this.disable(),
      reload: () => this.reload(),
      'config.show': (): ShownSettings => ({
        settings: settingRows(this.resolved),
        locked: [...this.resolved.locked],
      }),
      'config.export': () => ({ yaml: exportSettings(this.resolved) }),
      'config.change': (args: Record<string, unknown>) => this.changeSettings(settingsChange(args)),
      'bans.list': (args: Record<string, unknown>) => this.bans.list(args),
      'bans.show': (args: Record<string, unknown>) => this.bans.show(args),
      'bans.add': (args: Record<string, unknown>) => {
        this.refuseToBlock();
        return this.bans.add(args);
      },
      'bans.add-many': (args: Record<string, unknown>) => {
        this.refuseToBlock();
        return this.bans.addMany(args);
      },
      'bans.remove': (args: Record<string, unknown>) => this.bans.remove(args),
    };
  }

  /** @throws ControlError in Monitoring mode */
  private refuseToBlock(): void {
    if (this.mode === 'monitoring')
      throw new ControlError('MONITORING', 'in Monitoring mode nothing is blocked');
  }

  status(): Promise<StatusAnswer> {
    return engineStatus({
      version: this.options.version,
      mode: this.mode,
      startedAt: this.startedAt,
      firewall: this.firewall,
      bans: this.bans.service.size,
      rules: this.rules,
      rulesLoadedAt: this.rulesLoadedAt,
      plan: this.plan(true),
      supervisor: this.supervisor,
      mirrors: this.mirrors,
      decoys: this.decoys,
      traffic: this.traffic,
      webAddresses: this.webAddresses,
      repairs: this.drifts,
    });
  }

  private rulesAnswer(): RulesAnswer {
    return rulesAnswer(this.rules, this.rulesLoadedAt);
  }

  private acceptRules(summary: RuleSummary, key: string, { lists, classification }: RuleSource): void {
    this.inForce = { key, lists, classification };
    this.classes = ruleClasses({ classification });
    this.rules = summary;
    this.rulesLoadedAt = new Date();
    for (const problem of summary.failed.slice(0, 20))
      this.log.warn(`rule not loaded: ${describeFailedRule(problem)}`);
    if (summary.failed.length > 20)
      this.log.warn(
        `${summary.failed.length - 20} more rules could not be loaded; 'portcullis rules check' names all`,
      );
  }

  // ── Parts ────────────────────────────────────────────────────────────────────────────────────────────────

  private get loadOptions(): LoadOptions {
    const { configurationFile, overrides, policyFile } = this.options;
    return { file: configurationFile, overrides, policy: policyFile, settings: true };
  }

  private makeNeverBlock(): NeverBlock {
    const { protect, exclusions, 'never-block': never } = this.configuration;
    const excluded = exclusions.flatMap(({ src }) => src ?? []);
    return new NeverBlock([...never, ...excluded], protect.networks);
  }

  private makeBans(): Bans {
    return new Bans({
      // In Monitoring mode no rule drops: bans of an earlier Standard run only run out.
      backend: this.mode === 'monitoring' ? new MemoryFirewall() : this.firewall,
      directory: this.configuration['state-dir'],
      sink: () => this.sink,
      neverBlock: (prefix, isolation) => this.neverBlock.refuses(prefix, isolation),
      defaultSeconds: () => this.configuration['block-duration'],
      graceSeconds: () => this.configuration['unblock-grace'],
      onLedger: (failed, message) => (failed ? this.log.error(message) : this.log.info(message)),
      onRemoving: () => this.permits.hold(),
      onRemoved: (began) => {
        this.supervisor?.forgetBlockedSources(began * 1000);
        this.permits.passOver();
        this.permits.release();
      },
    });
  }

  private makeResponses(): Responses {
    return new Responses({
      bans: this.bans,
      mode: this.mode,
      incidents: this.incidents,
      log: this.log,
      sink: () => this.sink,
      configuration: () => this.configuration,
      classes: () => this.classes,
      onRefused: () => this.supervisor?.forgetBlockedSources(null),
      onDecided: () => this.permits.makeRoom(),
    });
  }

  private makePermits(): BanPermits {
    return new BanPermits({
      policy: () => this.responses.policy,
      spared: (networks) => [...this.bans.service.spared(networks), ...this.neverBlock.spared],
      room: () => this.responses.room,
      graceSeconds: () => this.configuration['unblock-grace'],
      send: (permit) => this.supervisor?.setBanPermit(permit),
    });
  }

  private setTooSmall({ message: reason }: Error): void {
    const message = `a ban set is nearly full and cannot be made larger: ${reason} When it is full, attackers are no longer banned.`;
    this.log.error(message);
    this.sink.write(engineEvent('BAN_SET_GROWTH', message));
  }

  private async startMetrics(): Promise<void> {
    const { listen } = this.configuration.metrics;
    if (listen === 'off') return;
    const registry = daemonRegistry({
      threads: () => this.supervisor?.attended ?? [],
      mirrors: () => this.mirrors?.rows ?? [],
      totals: () => this.traffic.totals(this.supervisor?.workers ?? new Map()),
      byQueue: () => this.traffic.byQueue(this.supervisor?.workers ?? new Map()),
      rules: () => ({ ...this.rulesAnswer(), loadedAt: this.rulesLoadedAt }),
      bans: () => this.bans,
      firewall: this.firewall,
      protecting: () => this.protecting,
      sink: () => this.sink.statistics,
      outlets: () => this.sink.outlets,
      incidents: this.incidents,
      limits: () => ({
        queues: this.mirrors === null ? this.queueCount() : 0,
        flows: this.configuration.flow['max-flows'],
        streamBytes: this.configuration.stream.memcap,
        parserBytes: this.configuration['app-layer'].memcap,
      }),
    });
    const server = new MetricsServer(registry, () => this.protecting);
    await server.listen(parseListenAddress(listen));
    this.metrics = server;
  }

  private inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.turn.then(action, action);
    this.turn = result.catch(() => undefined);
    return result;
  }
}

/** @throws ControlError where the request is none of the changes there are */
function settingsChange({ set, unset, replace }: Record<string, unknown>): SettingsChange {
  const texts = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((each) => typeof each === 'string');
  if (texts(set)) return { set };
  if (texts(unset)) return { unset };
  if (typeof replace === 'string') return { replace };
  throw new ControlError('REQUEST_INVALID', 'config.change takes set, unset or replace');
}

function pressureOf({
  queue,
  waiting,
  max_length,
  length,
  kernel_dropped,
  overruns,
}: QueueRow): QueuePressureFacts {
  return { queue, waiting, maxLength: max_length, length, dropped: kernel_dropped, overruns };
}

function hurryMainThread(): void {
  setThreadSlice(MAIN_THREAD_SLICE_MICROS);
  // Others' threads that help to collect garbage may have to wait for a processor, and the main thread for them.
  setFlagsFromString('--no-parallel-scavenge');
  // Code that has not run for a while is not to be compiled anew for the next attack.
  setFlagsFromString('--no-flush-bytecode');
  try {
    setPriority(0, MAIN_THREAD_NICE);
  } catch {
    // Without the right to it (CAP_SYS_NICE) bans are only a little later on a busy machine.
  }
}

/** Version of the package this file belongs to. */
export function engineVersion(): string {
  return (JSON.parse(readFileSync(join(__dirname, '..', 'package.json'), 'utf8')) as { version: string })
    .version;
}
