import {
  type Configuration,
  ConfigurationError,
  changedRestartKeys,
  keepRestartKeys,
  type LoadOptions,
  prepareChange,
  type ResolvedConfiguration,
  resolveConfiguration,
  type SettingsChange,
} from '@portcullis/configuration';
import {
  ControlError,
  ControlServer,
  type Mode,
  type ReloadAnswer,
  type SettingsAnswer,
  type StatusAnswer,
} from '@portcullis/control';
import type { RuleSource } from '@portcullis/engine';
import type { EveRecord, FanOutSink } from '@portcullis/events';
import { type FirewallBackend, KernelFirewall, MemoryFirewall } from '@portcullis/firewall';
import { MetricsServer, parseListenAddress } from '@portcullis/metrics';
import { EventEmitter } from 'eventemitter3';
import { BanPermits } from './ban-permits';
import { Bans } from './bans';
import { engineEvent } from './engine-event';
import { EngineLock } from './engine-lock';
import { engineStatus } from './engine-status';
import { excludedDevices } from './exclusions';
import { Incidents } from './incidents';
import { failsOpen } from './install-plan';
import type { Logger } from './logger';
import { LostDetections } from './lost-detections';
import { hurryMainThread } from './main-thread';
import { markLayout, queueCount } from './marks';
import { daemonRegistry } from './metrics';
import { NeverBlock } from './never-block';
import { openOutputs } from './outputs';
import { Protection } from './protection';
import { Registration } from './registration';
import { RememberedState } from './remembered-state';
import { requestHandlers } from './request-handlers';
import { Responses } from './responses';
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
  private resolved: ResolvedConfiguration;
  private configuration: Configuration;
  private readonly mode: Mode;
  private readonly startedAt = Date.now();
  private firewall!: FirewallBackend;
  private bans!: Bans;
  private responses!: Responses;
  private permits!: BanPermits;
  private control!: ControlServer;
  private metrics: MetricsServer | null = null;
  private sink!: FanOutSink;
  private neverBlock: NeverBlock;
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
    this.resolved = resolveConfiguration(this.loadOptions);
    this.configuration = this.resolved.configuration;
    this.mode = new Registration(this.configuration['state-dir']).mode;
    this.state = new RememberedState(this.configuration['state-dir'], this.log);
    this.rules = new RulesInForce(this.log);
    this.neverBlock = this.makeNeverBlock();
    this.protection = this.makeProtection();
    this.upkeep = this.makeUpkeep();
  }

  private get log(): Logger {
    return this.options.logger;
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
  async start(): Promise<void> {
    const undo: (() => Promise<unknown>)[] = [];
    hurryMainThread();
    try {
      // Errors a user can make are found before anything is touched.
      const source = this.readRules();
      markLayout(this.configuration);
      this.refuseWatching();
      for (const doubt of this.resolved.warnings) this.log.warn(doubt);
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
      if (this.options.enable || wanted) await this.protection.turnOn(source, again);
      if (this.options.enable && state.enabled !== true) this.state.remember({ enabled: true });
      this.upkeep.start();
    } catch (error) {
      for (const step of undo.reverse()) await step().catch((late: Error) => this.log.error(late.message));
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
        ...this.protection.ends(),
        ['the state file', () => this.state.remember({ protecting: null })],
        ['repeat offenders', () => this.responses.keepOffenders()],
        ['the ban ledger', () => this.bans.service.stop()],
        ['the firewall', () => this.firewall.close()],
        ['the metrics', () => this.metrics?.close()],
        ['the outputs', () => this.sink.close()],
        ['what it has written', () => (options.purge ? removeTraces(this.configuration) : undefined)],
        ['the lock', () => this.lock.release()],
      ]);
      this.protection.ended();
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
    return this.turns.take(async () => {
      if (!this.protecting) await this.protection.turnOn(this.readRules());
      this.state.rememberOrTell({ enabled: true }, 'protection is on');
      return { state: 'protecting' };
    });
  }

  disable(): Promise<{ state: string; bans_left: number }> {
    return this.turns.take(async () => {
      await this.protection.turnOff();
      this.state.rememberOrTell({ enabled: false }, 'protection is off');
      return { state: 'disabled', bans_left: this.bans.service.size };
    });
  }

  /**
   * Reads rules and configuration again.
   * @throws what is wrong with them; the old ones stay in force then
   */
  reload(): Promise<ReloadAnswer> {
    return this.turns.take(async () => {
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
    return this.turns.take(async () => {
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
    const source = this.readRules(read);
    const needsRestart = changedRestartKeys(before, read);
    const next = keepRestartKeys(before, read);
    await this.sink.reopen();
    this.permits.hold();
    this.configuration = next;
    try {
      await this.protection.change(source);
      this.resolved = resolved;
      if (!next.scan.decoy) this.protection.closeDecoys();
      this.neverBlock = this.makeNeverBlock();
      this.webAddresses.configure(next, this.options.configurationFile);
      await this.letExcludedIn();
    } catch (error) {
      if (this.resolved !== resolved) this.configuration = before;
      throw error;
    } finally {
      this.permits.release();
    }
    const rules = this.rules.answer();
    this.log.info(`reloaded: ${rules.loaded} rules`);
    return { rules, needs_restart: needsRestart };
  }

  /** An exclusion of a banned device lets it in. */
  private async letExcludedIn(): Promise<void> {
    for (const device of excludedDevices(this.configuration.exclusions))
      await this.bans.service.remove(device);
  }

  private readRules(configuration = this.configuration): RuleSource {
    return readRuleSource(configuration, this.options.configurationFile);
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

  private listenTo(supervisor: Supervisor): void {
    supervisor.on('detection', async (...told) => this.emit('alert', await this.responses.to(...told)));
    supervisor.on('rehearsal', (detection) => this.responses.rehearse(detection));
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
      resolved: this.resolved,
      bans: this.bans,
      status: () => this.status(),
      enable: () => this.enable(),
      disable: () => this.disable(),
      reload: () => this.reload(),
      changeSettings: (change) => this.changeSettings(change),
    }));
  }

  status(): Promise<StatusAnswer> {
    return engineStatus({
      version: this.options.version,
      mode: this.mode,
      startedAt: this.startedAt,
      firewall: this.firewall,
      bans: this.bans.service.size,
      rules: this.rules,
      plan: this.protection.plan(true),
      protection: this.protection,
      traffic: this.traffic,
      webAddresses: this.webAddresses,
      repairs: this.upkeep.repairs,
    });
  }

  private get loadOptions(): LoadOptions {
    const { configurationFile, overrides, policyFile } = this.options;
    return { file: configurationFile, overrides, policy: policyFile, settings: true };
  }

  private makeNeverBlock(): NeverBlock {
    const { protect, exclusions, 'never-block': never } = this.configuration;
    const excluded = excludedDevices(exclusions);
    return new NeverBlock([...never, ...excluded], protect.networks);
  }

  private makeProtection(): Protection {
    return new Protection({
      mode: this.mode,
      log: this.log,
      state: this.state,
      rules: this.rules,
      traffic: this.traffic,
      configuration: () => this.configuration,
      firewall: () => this.firewall,
      webAddresses: () => this.webAddresses.table,
      permits: () => this.permits,
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
      bans: () => this.bans,
      neverBlock: () => this.neverBlock,
      permits: () => this.permits,
      responses: () => this.responses,
      traffic: this.traffic,
      lostDetections: this.lostDetections,
      unattendedTraffic: () => this.unattendedTraffic,
    });
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
      directory: this.configuration['state-dir'],
      bans: this.bans,
      mode: this.mode,
      incidents: this.incidents,
      log: this.log,
      sink: () => this.sink,
      configuration: () => this.configuration,
      classes: () => this.rules.classes,
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
      mirrors: () => this.protection.mirrors?.rows ?? [],
      totals: () => this.traffic.totals(this.supervisor?.workers ?? new Map()),
      byQueue: () => this.traffic.byQueue(this.supervisor?.workers ?? new Map()),
      rules: () => ({ ...this.rules.answer(), loadedAt: this.rules.loadedAt }),
      bans: () => this.bans,
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
