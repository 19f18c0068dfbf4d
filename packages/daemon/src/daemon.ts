import type { Configuration, ResolvedConfiguration, SettingsChange } from '@portcullis/configuration';
import {
  ControlError,
  ControlServer,
  type Mode,
  type ReloadAnswer,
  type SettingsAnswer,
  type StatusAnswer,
} from '@portcullis/control';
import { collectGarbage, type RuleSource } from '@portcullis/engine';
import type { EveRecord, FanOutSink } from '@portcullis/events';
import { type FirewallBackend, KernelFirewall } from '@portcullis/firewall';
import { MetricsServer, parseListenAddress } from '@portcullis/metrics';
import { EventEmitter } from 'eventemitter3';
import { Blocking } from './blocking';
import { ConfigurationInForce } from './configuration-in-force';
import { engineEvent } from './engine-event';
import { EngineLock } from './engine-lock';
import { engineStatus } from './engine-status';
import { Incidents } from './incidents';
import { failsOpen } from './install-plan';
import type { Logger } from './logger';
import { LostDetections } from './lost-detections';
import { hurryMainThread } from './main-thread';
import { markLayout, queueCount } from './marks';
import { daemonRegistry } from './metrics';
import { refuseWatching } from './mirrors';
import { openOutputs } from './outputs';
import { Protection } from './protection';
import { Registration } from './registration';
import { RememberedState } from './remembered-state';
import { requestHandlers } from './request-handlers';
import { readRuleSource } from './rule-source';
import { RulesInForce } from './rules-in-force';
import { endedEarlier } from './state-file';
import { notifyReady, notifyReloading, notifyStopping, startWatchdog } from './systemd';
import { takeDown } from './take-down';
import { removeTraces } from './traces';
import { Traffic } from './traffic';
import { Turns } from './turns';
import { Upkeep } from './upkeep';
import { WebAddressLists } from './web-address-lists';
import type { Supervisor } from './workers/supervisor';
import { tellOfWorkers } from './workers/worker-news';

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

/** What it is worst not to get rid of. */
const RULES = 'the firewall rules';

/**
 * The engine as a service: configuration, workers, firewall, bans, events, metrics and the control socket, brought
 * up in the order in which a failure can be undone, and taken down in the reverse.
 */
export class PortcullisDaemon extends EventEmitter<DaemonEvents> {
  private readonly configured: ConfigurationInForce;
  private readonly mode: Mode;
  private readonly startedAt = Date.now();
  private firewall!: FirewallBackend;
  /** Undefined until the firewall stands, and again when the engine has ended. */
  private standing: Blocking | undefined;
  private control!: ControlServer;
  private metrics: MetricsServer | null = null;
  private sink!: FanOutSink;
  private readonly lock = new EngineLock();
  private readonly traffic = new Traffic();
  private readonly incidents = new Incidents();
  private readonly turns = new Turns();
  private readonly webAddresses = new WebAddressLists({
    onLoaded: (table) => this.supervisor?.setWebAddresses(table),
    onProblem: (record, message) => {
      this.incidents.count('web-address-list');
      this.log.warn(message);
      this.sink.write(record);
    },
    onNews: (message) => this.log.info(message),
  });
  private readonly lostDetections = new LostDetections((over, message) => {
    if (over) this.log.info(message);
    else this.log.error(message);
    this.sink.write(engineEvent('EVENTS_LOST', message));
  });
  private readonly state: RememberedState;
  private readonly rules: RulesInForce;
  private readonly protection: Protection;
  private readonly upkeep: Upkeep;
  private stopWatchdog = (): void => {};

  /** @throws ConfigurationError */
  constructor(private readonly options: DaemonOptions) {
    super();
    const { configurationFile: file, overrides, policyFile: policy } = options;
    this.configured = new ConfigurationInForce({ file, overrides, policy, settings: true });
    this.mode = new Registration(this.configuration['state-dir']).mode;
    this.state = new RememberedState(this.configuration['state-dir'], this.log);
    this.rules = new RulesInForce(this.log);
    this.protection = this.makeProtection();
    this.upkeep = this.makeUpkeep();
  }

  private get log(): Logger {
    return this.options.logger;
  }

  private get configuration(): Configuration {
    return this.configured.configuration;
  }

  /** @throws ControlError ENGINE_NOT_UP */
  private get blocking(): Blocking {
    if (this.standing) return this.standing;
    throw new ControlError('ENGINE_NOT_UP', 'the engine is starting or ending: ask again in a moment');
  }

  /** Behind all that was asked for before; not any more when the start has failed or the engine has ended. */
  private whileUp<T>(action: (blocking: Blocking) => Promise<T>): Promise<T> {
    return this.turns.take(async () => action(this.blocking));
  }

  /** Null while protection is off. */
  private get supervisor(): Supervisor | null {
    return this.protection.supervisor;
  }

  get protecting(): boolean {
    return this.supervisor !== null;
  }

  /**
   * Brings everything up. What fails is undone before this throws.
   * @throws ConfigurationError, RuleSourceError, ControlError ENGINE_RUNNING, FirewallError, NfQueueError
   */
  start(): Promise<void> {
    // What is asked of the control socket meanwhile is done behind it.
    return this.turns.take(() => this.bringUp());
  }

  private async bringUp(): Promise<void> {
    const undo: (() => Promise<unknown>)[] = [];
    hurryMainThread();
    try {
      // Errors a user can make are found before anything is touched.
      const source = this.readRules();
      markLayout(this.configuration);
      refuseWatching(this.configuration, this.mode, this.options.configurationFile);
      for (const doubt of this.configured.resolved.warnings) this.log.warn(doubt);
      await this.lock.acquire();
      undo.push(() => this.lock.release());
      this.control = new ControlServer(this.configuration.control.socket, this.requestHandlers());
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
      const ended = endedEarlier(state.protecting, this.failsOpen ? 'passed uninspected' : 'was dropped');
      if (ended !== null) this.log.warn(ended);
      await this.firewall.install(this.protection.plan(false));
      undo.push(() => this.firewall.remove());
      const blocking = this.makeBlocking();
      await blocking.start();
      undo.push(() => blocking.bans.service.stop());
      this.standing = blocking;
      await this.startMetrics();
      undo.push(async () => this.metrics?.close());
      this.webAddresses.configure(this.configuration, this.options.configurationFile);
      undo.push(async () => this.webAddresses.stop());
      // A policy turns protection on by itself; what an administrator has said since counts.
      const wanted = state.enabled ?? (this.configured.resolved.hasPolicy || state.damaged);
      // A restart is no turning on: what went through before goes on.
      const again = wanted && (state.generation > 0 || state.damaged);
      if (this.options.enable || wanted) await this.protection.turnOn(source, again);
      if (this.options.enable && state.enabled !== true) this.state.remember({ enabled: true });
      this.upkeep.start();
    } catch (error) {
      for (const step of undo.reverse()) await step().catch((late: Error) => this.log.error(late.message));
      this.standing = undefined;
      throw error;
    }
    notifyReady();
    this.stopWatchdog = startWatchdog();
  }

  /**
   * Takes the rules away, decides what the queues still hold, ends everything. Bans stay in force.
   * @param options `purge`: nothing stays, in the kernel or on the disk
   */
  stop(options: { purge?: boolean } = {}): Promise<{ bansLeft: number; bypassKept: boolean }> {
    this.upkeep.stop();
    return this.turns.take(async () => {
      notifyStopping();
      this.webAddresses.stop();
      const { bans, permits, responses } = this.blocking;
      permits.withdraw();
      let report = { bansLeft: 0, bypassKept: false };
      // An engine that stops half-way is killed, and leaves more behind than one of these.
      const problems = await takeDown([
        ['the control socket', () => this.control.close()],
        ['the bans', () => (options.purge ? bans.service.remove('all') : undefined)],
        [
          RULES,
          async () => {
            report = await this.firewall.remove(options);
          },
        ],
        ...this.protection.ends(),
        ['the state file', () => this.state.remember({ protecting: null })],
        ['repeat offenders', () => responses.keepOffenders()],
        ['the ban ledger', () => bans.service.stop()],
        ['the firewall', () => this.firewall.close()],
        ['the metrics', () => this.metrics?.close()],
        ['the outputs', () => this.sink.close()],
        ['what it has written', () => (options.purge ? removeTraces(this.configuration) : undefined)],
        ['the lock', () => this.lock.release()],
      ]);
      this.protection.ended();
      this.standing = undefined;
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
    return this.whileUp(async () => {
      if (!this.protecting) await this.protection.turnOn(this.readRules());
      this.state.rememberOrTell({ enabled: true }, 'protection is on');
      return { state: 'protecting' };
    });
  }

  disable(): Promise<{ state: string; bans_left: number }> {
    return this.whileUp(async ({ bans }) => {
      await this.protection.turnOff();
      this.state.rememberOrTell({ enabled: false }, 'protection is off');
      return { state: 'disabled', bans_left: bans.service.size };
    });
  }

  /**
   * Reads rules and configuration again.
   * @throws what is wrong with them; the old ones stay in force then
   */
  reload(): Promise<ReloadAnswer> {
    return this.whileUp(async (blocking) => {
      notifyReloading();
      try {
        const resolved = this.configured.readAgain();
        const answer = await this.apply(resolved, blocking);
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
    return this.whileUp(async (blocking) => {
      const prepared = this.configured.prepare(change);
      prepared.store();
      try {
        const { needs_restart } = await this.apply(prepared.resolved, blocking);
        this.log.info(`settings changed: ${prepared.keys.join(', ') || 'none are left'}`);
        return { changed: [...prepared.keys], needs_restart };
      } catch (error) {
        prepared.undo();
        throw error;
      }
    });
  }

  private async apply(resolved: ResolvedConfiguration, blocking: Blocking): Promise<ReloadAnswer> {
    const source = this.readRules(resolved.configuration);
    await this.sink.reopen();
    blocking.permits.hold();
    try {
      const needsRestart = await this.configured.replace(resolved, () => this.protection.change(source));
      if (!this.configuration.scan.decoy) this.protection.closeDecoys();
      this.webAddresses.configure(this.configuration, this.options.configurationFile);
      await blocking.useConfiguration();
      const rules = this.rules.answer();
      this.log.info(`reloaded: ${rules.loaded} rules`);
      // What was read is let go of at once: a thread that rests would have it for hours.
      collectGarbage();
      return { rules, needs_restart: needsRestart };
    } finally {
      blocking.permits.release();
    }
  }

  private readRules(configuration = this.configuration): RuleSource {
    return readRuleSource(configuration, this.options.configurationFile);
  }

  private listenTo(supervisor: Supervisor): void {
    const { responses } = this.blocking;
    supervisor.on('detection', (...told) => {
      responses
        .to(...told)
        .then((record) => this.emit('alert', record))
        // What cannot be told must not end the engine, and everybody's protection with it.
        .catch((error: Error) => this.log.error(`an event was not written: ${error.message}`));
    });
    supervisor.on('rehearsal', (detection) => responses.rehearse(detection));
    tellOfWorkers(supervisor, {
      log: this.log,
      incidents: this.incidents,
      traffic: this.traffic,
      configuration: () => this.configuration,
      unattendedTraffic: this.unattendedTraffic,
    });
  }

  private get failsOpen(): boolean {
    return failsOpen(this.configuration, this.mode);
  }

  private get unattendedTraffic(): string {
    return this.failsOpen ? 'passes uninspected' : 'is dropped';
  }

  private requestHandlers() {
    return requestHandlers(() => ({
      mode: this.mode,
      resolved: this.configured.resolved,
      bans: () => this.blocking.bans,
      status: () => this.status(),
      enable: () => this.enable(),
      disable: () => this.disable(),
      reload: () => this.reload(),
      changeSettings: (change) => this.changeSettings(change),
    }));
  }

  async status(): Promise<StatusAnswer> {
    const { bans } = this.blocking;
    return engineStatus({
      version: this.options.version,
      mode: this.mode,
      startedAt: this.startedAt,
      firewall: this.firewall,
      bans: bans.service.size,
      rules: this.rules,
      plan: this.protection.plan(true),
      protection: this.protection,
      traffic: this.traffic,
      webAddresses: this.webAddresses,
      repairs: this.upkeep.repairs,
    });
  }

  private makeProtection(): Protection {
    return new Protection({
      mode: this.mode,
      log: this.log,
      state: this.state,
      rules: this.rules,
      traffic: this.traffic,
      turns: this.turns,
      configuration: () => this.configuration,
      firewall: () => this.firewall,
      webAddresses: () => this.webAddresses.table,
      permits: () => this.blocking.permits,
      listenTo: (supervisor) => this.listenTo(supervisor),
    });
  }

  private makeUpkeep(): Upkeep {
    return new Upkeep({
      log: this.log,
      incidents: this.incidents,
      state: this.state,
      protection: this.protection,
      turns: this.turns,
      firewall: () => this.firewall,
      blocking: () => this.blocking,
      traffic: this.traffic,
      lostDetections: this.lostDetections,
      unattendedTraffic: () => this.unattendedTraffic,
    });
  }

  private makeBlocking(): Blocking {
    return new Blocking({
      mode: this.mode,
      log: this.log,
      incidents: this.incidents,
      rules: this.rules,
      firewall: this.firewall,
      sink: this.sink,
      configuration: () => this.configuration,
      supervisor: () => this.supervisor,
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
      mirrors: () => this.protection.mirrors?.rows ?? [],
      totals: () => this.traffic.totals(this.supervisor?.workers ?? new Map()),
      byQueue: () => this.traffic.byQueue(this.supervisor?.workers ?? new Map()),
      rules: () => ({ ...this.rules.answer(), loadedAt: this.rules.loadedAt }),
      bans: () => this.blocking.bans,
      firewall: this.firewall,
      protecting: () => this.protecting,
      sink: () => this.sink.statistics,
      outlets: () => this.sink.outlets,
      incidents: this.incidents,
      limits: () => ({
        queues: this.protection.mirrors === null ? queueCount(this.configuration) : 0,
        flows: this.configuration.flow['max-flows'],
        streamBytes: this.configuration.stream.memcap,
        parserBytes: this.configuration['app-layer'].memcap,
      }),
    });
    const server = new MetricsServer(registry, () => this.protecting);
    await server.listen(parseListenAddress(listen));
    this.metrics = server;
  }
}
