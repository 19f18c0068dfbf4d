import { readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  alertRecord,
  type Detection,
  describeFailedRule,
  keptRulesNow,
  prepareRulesApart,
  type RuleSource,
  type RuleSummary,
  ruleClasses,
  ruleSourceKey,
} from '@portcullis/engine';
import { eveTimestamp, type FanOutSink } from '@portcullis/events';
import { type FirewallBackend, KernelFirewall, MarkLayout, MemoryFirewall } from '@portcullis/firewall';
import { MetricsServer, parseListenAddress } from '@portcullis/metrics';
import { RawSender, readQueueStatistics } from '@portcullis/nfqueue-binding';
import { type Classification, STANDARD_CLASSIFICATION } from '@portcullis/rules';
import { EventEmitter } from 'eventemitter3';
import type { ReloadAnswer, RulesAnswer, SettingsAnswer, ShownSettings, StatusAnswer } from './answers';
import { AttackerBans, type BanPolicy } from './ban-attacker';
import { Bans } from './bans';
import { type LoadOptions, type ResolvedConfiguration, resolveConfiguration } from './configuration/load';
import { changedRestartKeys, keepRestartKeys } from './configuration/restart-keys';
import type { Configuration } from './configuration/schema';
import { prepareChange, type SettingsChange } from './configuration/settings';
import { exportSettings, settingRows } from './configuration/show';
import { ControlError } from './control/protocol';
import { ControlServer } from './control/server';
import { keepDataSets } from './data-set-files';
import { EngineLock } from './engine-lock';
import { Incidents } from './incidents';
import { installPlan, portText } from './install-plan';
import { InterfaceNames } from './interfaces';
import { daemonRegistry } from './metrics';
import { NeverBlock } from './never-block';
import { openOutputs } from './outputs';
import { type Mode, Registration } from './registration';
import { readRuleSource } from './rule-source';
import { StateFile } from './state-file';
import { notifyReady, notifyReloading, notifyStopping, startWatchdog } from './systemd';
import { Traffic } from './traffic';
import { Supervisor } from './workers/supervisor';
import { supervisorSettings } from './workers/supervisor-settings';

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
  alert: [ReturnType<typeof alertRecord>];
}

/** What tells the rules in force from others. */
interface RulesInForce {
  key: string;
  lists: RuleSource['lists'] | undefined;
  classification: RuleSource['classification'];
}

/** Somebody who flushes our rules is to be noticed within two seconds. */
const DRIFT_MILLISECONDS = 1500;
const FACTS_MILLISECONDS = 1000;
/** Nice value of the main thread: a ban is not to wait for busy workers. Workers set their own back. */
const MAIN_THREAD_NICE = -10;

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
  private attackers!: AttackerBans;
  private control!: ControlServer;
  private metrics: MetricsServer | null = null;
  private sink!: FanOutSink;
  private neverBlock: NeverBlock;
  private supervisor: Supervisor | null = null;
  private rules: RuleSummary | null = null;
  private rulesLoadedAt: Date | null = null;
  private classes: Classification = STANDARD_CLASSIFICATION;
  private readonly lock = new EngineLock();
  private readonly traffic = new Traffic();
  private readonly interfaces = new InterfaceNames();
  private readonly incidents = new Incidents();
  private generation = 0;
  /** How often rules of ours were put back. */
  private drifts = 0;
  private repairing = false;
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
      await this.lock.acquire();
      undo.push(() => this.lock.release());
      this.control = new ControlServer(this.configuration.control.socket, this.handlers());
      await this.control.listen();
      undo.push(() => this.control.close());
      this.sink = await openOutputs(this.configuration, { log: this.log, version: this.options.version });
      undo.push(() => this.sink.close());
      this.firewall = await KernelFirewall.open({
        backend: this.configuration.firewall.backend,
        banSets: { onGrowthFailure: (error) => this.alarm('BAN_SET_GROWTH', setAlarm(error)) },
      });
      undo.push(() => this.firewall.close());
      const state = this.state.read();
      if (state.damaged)
        this.log.warn(`${this.configuration['state-dir']}/state.json was damaged and is written anew`);
      this.generation = state.generation;
      await this.firewall.install(this.plan(false));
      undo.push(() => this.firewall.remove());
      this.bans = this.makeBans();
      this.attackers = new AttackerBans(this.bans.service, (perMinute) => this.banFlood(perMinute));
      const report = await this.bans.service.start();
      undo.push(() => this.bans.service.stop());
      if (report.restored > 0) this.log.info(`${report.restored} bans are in force again`);
      await this.startMetrics();
      undo.push(async () => this.metrics?.close());
      // A policy turns protection on by itself; what an administrator has said since counts.
      const wanted = state.enabled ?? this.resolved.hasPolicy;
      if (this.options.enable || wanted) await this.protect(source);
      if (this.options.enable && state.enabled !== true) this.remember(true);
      this.driftTimer = setInterval(() => void this.repairDrift(), DRIFT_MILLISECONDS);
      this.factsTimer = setInterval(() => this.neverBlock.refresh(), FACTS_MILLISECONDS);
    } catch (error) {
      for (const step of undo.reverse()) await step().catch((late: Error) => this.log.error(late.message));
      throw error;
    }
    notifyReady();
    this.stopWatchdog = startWatchdog();
  }

  /** Takes the rules away, decides what the queues still hold, ends everything. Bans stay in force. */
  stop(options: { purge?: boolean } = {}): Promise<{ bansLeft: number; bypassKept: boolean }> {
    return this.inTurn(async () => {
      notifyStopping();
      if (this.driftTimer) clearInterval(this.driftTimer);
      if (this.factsTimer) clearInterval(this.factsTimer);
      await this.control.close();
      if (options.purge) await this.bans.service.remove('all');
      const report = await this.firewall.remove(options);
      await this.supervisor?.stop();
      this.supervisor = null;
      await this.bans.service.stop();
      await this.firewall.close();
      await this.metrics?.close();
      await this.sink.close();
      await this.lock.release();
      this.stopWatchdog();
      return report;
    });
  }

  enable(): Promise<{ state: string }> {
    return this.inTurn(async () => {
      if (!this.supervisor) await this.protect();
      this.remember(true);
      return { state: 'protecting' };
    });
  }

  disable(): Promise<{ state: string; bans_left: number }> {
    return this.inTurn(async () => {
      await this.unprotect();
      this.remember(false);
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
        return await this.apply(resolveConfiguration(this.loadOptions));
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
    this.configuration = next;
    try {
      if (this.supervisor) await this.change(this.supervisor, source);
    } catch (error) {
      this.configuration = before;
      throw error;
    }
    this.resolved = resolved;
    this.neverBlock = this.makeNeverBlock();
    await this.letExcludedIn();
    this.log.info(`reloaded: ${this.rulesAnswer().loaded} rules`);
    return { rules: this.rulesAnswer(), needs_restart: needsRestart };
  }

  /** Brings workers and kernel to the configuration; the rules themselves are only loaded again where they differ. */
  private async change(supervisor: Supervisor, source: RuleSource): Promise<void> {
    const { lists, policy } = source;
    const key = ruleSourceKey(source);
    if (policy && key === this.inForce?.key && isDeepStrictEqual(lists, this.inForce.lists)) {
      await this.firewall.install(this.plan(true));
      supervisor.setPolicy(policy);
      return;
    }
    const prepared = await prepareRulesApart(source);
    const generation = this.nextGeneration();
    const summary = await supervisor.reload(prepared, null);
    this.acceptRules(summary, key, source);
    await this.firewall.install(this.plan(true));
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

  private async protect(source = this.readRules()): Promise<void> {
    const marks = this.marks();
    // A raw socket that cannot be had would otherwise be found out by the first reject rule.
    RawSender.open({ mark: marks.injected }).close();
    const supervisor = new Supervisor(supervisorSettings(this.configuration, marks, this.mode));
    this.listenTo(supervisor);
    const generation = this.nextGeneration();
    const key = ruleSourceKey(source);
    const prepare = async () => keptRulesNow(source) ?? (await prepareRulesApart(source));
    const summary = await supervisor.start(prepare, this.offload(generation));
    try {
      this.acceptRules(summary, key, source);
      await this.firewall.install(this.plan(true));
    } catch (error) {
      await this.firewall.install(this.plan(false));
      await supervisor.stop();
      throw error;
    }
    this.supervisor = supervisor;
  }

  private async unprotect(): Promise<void> {
    const { supervisor } = this;
    if (!supervisor) return;
    await this.firewall.install(this.plan(false));
    this.supervisor = null;
    await supervisor.stop();
    this.traffic.retire(supervisor.threads);
  }

  private listenTo(supervisor: Supervisor): void {
    const passes = this.configuration.nfqueue['fail-open'] ? 'passes uninspected' : 'is dropped';
    supervisor.on('detection', (detection) => void this.detected(detection));
    supervisor.on('dataSets', (files) => {
      try {
        keepDataSets(files);
      } catch (error) {
        this.log.error(`data sets could not be kept: ${(error as Error).message}`);
      }
    });
    supervisor.on('lost', ({ queue, reason, thread }) => {
      this.incidents.count('worker-lost');
      this.traffic.retire([thread]);
      this.log.error(
        `the worker of queue ${queue} is lost: ${reason}; traffic of this queue ${passes} until another takes over`,
      );
    });
    supervisor.on('replaced', ({ queue, milliseconds }) =>
      this.log.info(`queue ${queue} has a worker again after ${milliseconds} ms`),
    );
    supervisor.on('unattended', ({ queue, reason }) =>
      this.log.error(`queue ${queue} has no worker: ${reason}; its traffic ${passes}; trying again`),
    );
  }

  private plan(on: boolean) {
    const { configuration, mode, generation, rules } = this;
    return installPlan(configuration, { on, mode, generation, rules });
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
    this.generation++;
    this.remember(this.state.read().enabled);
    return this.generation;
  }

  private remember(enabled: boolean | null): void {
    this.state.write({ enabled, generation: this.generation });
  }

  /** Puts back what others have taken away of ours. */
  private async repairDrift(): Promise<void> {
    if (this.repairing) return;
    this.repairing = true;
    await this.inTurn(async () => {
      const differences = await this.firewall.verify();
      if (differences.length > 0) {
        await this.firewall.install(this.plan(this.protecting));
        this.drifts++;
        this.incidents.count('firewall-repaired');
        this.log.warn(`somebody changed our firewall rules, they are put back: ${differences.join('; ')}`);
      }
      const restored = await this.bans.service.repairDrift();
      if (restored > 0) this.log.warn(`somebody emptied a ban set: ${restored} bans were put back`);
    }).catch((error: Error) => this.log.error(error.message));
    this.repairing = false;
  }

  // ── Detections ───────────────────────────────────────────────────────────────────────────────────────────

  private async detected(detection: Detection): Promise<void> {
    // The ban first: every millisecond counts there, and none for the record.
    const ban = this.attackers.consider(detection, this.banPolicy());
    if (detection.vlan.length === 0) detection.vlan = this.interfaces.vlans(detection.inInterface);
    const record = alertRecord(detection, {
      classes: this.classes,
      interfaceName: this.interfaces.name(detection.inInterface),
      mode: this.mode,
    });
    if (ban) {
      const outcome = await ban;
      Object.assign(record.portcullis as object, { ban: outcome });
      // Who must not be banned is not held by the worker either.
      if ('refused' in outcome) this.supervisor?.forgetBlockedSources();
      if ('failed' in outcome) this.log.error(`${detection.source} could not be banned: ${outcome.failed}`);
    }
    this.incidents.countAlert(detection.rule.classtype ?? null, record);
    this.sink.write(record);
    this.emit('alert', record);
  }

  private banPolicy(): BanPolicy {
    const { configuration } = this;
    return {
      banning: configuration['block-attacking-hosts'],
      seconds: configuration['block-duration'],
      withoutHandshake: configuration['ban-without-handshake'],
      ipv6Prefix: configuration['ipv6-prefix'],
      escalation: configuration.escalation === 'off' ? null : configuration.escalation,
      perMinute: configuration['max-bans-per-minute'],
    };
  }

  /** A flood of detections is an alarm: somebody may be trying to have others banned. */
  private banFlood(perMinute: number): void {
    this.incidents.count('ban-flood');
    const message = `more than ${perMinute} devices attack within a minute: further ones are dropped and not banned`;
    this.alarm('BAN_FLOOD', message);
  }

  private alarm(code: string, message: string): void {
    this.log.error(message);
    this.sink.write({
      timestamp: eveTimestamp(Date.now() * 1000),
      event_type: 'engine',
      engine: { error_code: code, message },
    });
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
        if (this.mode === 'monitoring')
          throw new ControlError('MONITORING', 'in Monitoring mode nothing is blocked');
        return this.bans.add(args);
      },
      'bans.remove': (args: Record<string, unknown>) => this.bans.remove(args),
    };
  }

  async status(): Promise<StatusAnswer> {
    const threads = this.supervisor?.threads ?? [];
    const counted = await this.firewall.queueRulePackets();
    const dropped = await this.firewall.dropCounters();
    const totals = this.traffic.totals(threads);
    const kernel = new Map(readQueueStatistics().map((line) => [line.queue, line]));
    return {
      version: this.options.version,
      state: this.protecting ? (this.mode === 'monitoring' ? 'monitoring' : 'protecting') : 'disabled',
      mode: this.mode,
      uptime_s: Math.round((Date.now() - this.startedAt) / 1000),
      firewall: this.firewall.name,
      rules: this.rulesAnswer(),
      ports:
        this.protecting && this.rules
          ? { text: portText(this.plan(true)), any_port_rules: this.rules.ports.anyPortRules.length }
          : null,
      bans: {
        active: this.bans.service.size,
        dropped_packets: dropped.packets,
        dropped_bytes: dropped.bytes,
      },
      packets: {
        received: totals.queue_received,
        bytes: totals.queue_bytes,
        dropped: totals.queue_dropped,
        uninspected: Math.max(0, counted.ipv4 + counted.ipv6 - totals.queue_received),
      },
      alerts: { allowed: totals.alerts, blocked: totals.attacks_blocked },
      flows: totals.flows_active,
      held_bytes: totals.held_bytes,
      firewall_repairs: this.drifts,
      queues: (this.supervisor?.attended ?? []).map(({ queue, facts, thread }) => ({
        queue,
        fail_open: facts.failOpen,
        gso: facts.gso,
        max_length: facts.maxLength,
        waiting: kernel.get(queue)?.waiting ?? 0,
        kernel_dropped: (kernel.get(queue)?.dropped ?? 0) + (kernel.get(queue)?.userDropped ?? 0),
        overruns: thread.counters.get('queue_overruns'),
      })),
    };
  }

  private rulesAnswer(): RulesAnswer {
    return {
      loaded: this.rules?.loaded ?? 0,
      failed: this.rules?.failed.length ?? 0,
      loaded_at: this.rulesLoadedAt?.toISOString() ?? null,
    };
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
      neverBlock: (prefix) => this.neverBlock.refuses(prefix),
      defaultSeconds: () => this.configuration['block-duration'],
      graceSeconds: () => this.configuration['unblock-grace'],
      onRemoved: () => this.supervisor?.forgetBlockedSources(),
    });
  }

  private async startMetrics(): Promise<void> {
    const { listen } = this.configuration.metrics;
    if (listen === 'off') return;
    const registry = daemonRegistry({
      threads: () => this.supervisor?.attended ?? [],
      totals: () => this.traffic.totals(this.supervisor?.threads ?? []),
      rules: () => ({ ...this.rulesAnswer(), loadedAt: this.rulesLoadedAt }),
      bans: () => this.bans,
      firewall: this.firewall,
      protecting: () => this.protecting,
      sink: () => this.sink.statistics,
      outlets: () => this.sink.outlets,
      incidents: this.incidents,
      limits: () => ({
        queues: this.queueCount(),
        flows: this.configuration.flow['max-flows'],
        streamBytes: this.configuration.stream.memcap,
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

const setAlarm = ({ message }: Error) =>
  `a ban set is nearly full and cannot be made larger: ${message} When it is full, attackers are no longer banned.`;

function hurryMainThread(): void {
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
