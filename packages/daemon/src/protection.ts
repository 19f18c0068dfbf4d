import type { Configuration } from '@portcullis/configuration';
import type { Mode } from '@portcullis/control';
import {
  type EarlierConnectionSettings,
  keptRulesNow,
  prepareRulesApart,
  type RuleSource,
  type RuleSummary,
  ruleSourceKey,
} from '@portcullis/engine';
import type { FirewallBackend, InstallPlan } from '@portcullis/firewall';
import { RawSender } from '@portcullis/nfqueue-binding';
import type { AddressTableData } from '@portcullis/web-addresses';
import type { BanPermits } from './ban-permits';
import { type DecoyLimits, Decoys } from './decoys';
import { HostChanges } from './host-changes';
import { hostPolicy } from './host-policy';
import { installPlan } from './install-plan';
import type { Logger } from './logger';
import { markLayout, offloadMark } from './marks';
import { Mirrors } from './mirrors';
import type { RememberedState } from './remembered-state';
import { connectionsFromNow, resetOwnConnections } from './reset-connections';
import type { RulesInForce } from './rules-in-force';
import { protectingNow } from './state-file';
import { type TakeDownStep, takeDown } from './take-down';
import type { Traffic } from './traffic';
import type { Turns } from './turns';
import { Supervisor } from './workers/supervisor';
import { queueSources, supervisorSettings } from './workers/supervisor-settings';

export interface ProtectionParts {
  readonly mode: Mode;
  readonly log: Logger;
  readonly state: RememberedState;
  readonly rules: RulesInForce;
  readonly traffic: Traffic;
  readonly turns: Turns;
  configuration(): Configuration;
  firewall(): FirewallBackend;
  webAddresses(): AddressTableData | null;
  /** What workers may do before the main thread has decided. */
  permits(): BanPermits;
  /** Before the workers are started. */
  listenTo(supervisor: Supervisor): void;
}

/** What is there while protection is on: workers, mirrors, decoys, and the firewall rules that lead to them. */
export class Protection {
  private running: Supervisor | null = null;
  private watched: Mirrors | null = null;
  private laid: Decoys | null = null;
  private readonly hostChanges: HostChanges;

  constructor(private readonly parts: ProtectionParts) {
    const { log, turns } = parts;
    this.hostChanges = new HostChanges({
      log,
      turns,
      inForce: () => this.running?.policy ?? null,
      hostPolicy: () => hostPolicy(this.configuration),
      setPolicy: (policy) => this.running?.setPolicy(policy),
      installRules: () => this.parts.firewall().install(this.plan(true)),
    });
  }

  /** Null: protection is off. */
  get supervisor(): Supervisor | null {
    return this.running;
  }

  /** What is watched instead of queues; null: queues are served. */
  get mirrors(): Mirrors | null {
    return this.watched;
  }

  get decoys(): Decoys | null {
    return this.laid;
  }

  private get configuration(): Configuration {
    return this.parts.configuration();
  }

  /** What the firewall is to look like. */
  plan(on: boolean): InstallPlan {
    const { configuration } = this;
    const { mode, rules, state } = this.parts;
    const decoyListeners = on && configuration.scan.decoy ? (this.decoys?.listeners ?? null) : null;
    return installPlan(configuration, {
      on,
      mode,
      generation: state.generation,
      rules: rules.summary,
      decoyListeners,
    });
  }

  /** @param again it was on until now, but for a restart: connections are adopted, whatever `on-enable` says */
  async turnOn(source: RuleSource, again = false): Promise<void> {
    const { configuration } = this;
    const { mode, rules, state } = this.parts;
    const firewall = this.parts.firewall();
    const marks = markLayout(configuration);
    const mirrors = openMirrors(configuration);
    // A raw socket that cannot be had would otherwise be found out by the first reject rule.
    if (mirrors === null) RawSender.open({ mark: marks.injected }).close();
    const sources = mirrors?.sources ?? queueSources(configuration, marks, mode);
    const supervisor = new Supervisor(supervisorSettings(configuration, sources, mode));
    this.parts.listenTo(supervisor);
    const generation = state.nextGeneration();
    const key = ruleSourceKey(source);
    const prepare = async () => keptRulesNow(source) ?? (await prepareRulesApart(source));
    let summary: RuleSummary;
    try {
      summary = await supervisor.start(prepare, offloadMark(configuration, generation), () =>
        again ? null : this.earlierConnections(),
      );
    } catch (error) {
      mirrors?.close();
      throw error;
    }
    this.watched = mirrors;
    try {
      rules.accept(summary, key, source);
      await this.layDecoys();
      await firewall.install(this.plan(true));
      if (!again) await this.resetOwnConnections();
    } catch (error) {
      this.watched = null;
      const problems = await takeDown([
        ['the firewall rules', () => firewall.install(this.plan(false))],
        ['the mirrors', () => mirrors?.close()],
        ['the decoys', () => this.closeDecoys()],
        ['the workers', () => supervisor.stop()],
      ]);
      for (const [what, { message }] of problems) this.parts.log.error(`${what}: ${message}`);
      throw error;
    }
    this.running = supervisor;
    state.remember({ protecting: protectingNow() });
    supervisor.setWebAddresses(this.parts.webAddresses());
    const permits = this.parts.permits();
    permits.withdraw();
    permits.renew();
  }

  async turnOff(): Promise<void> {
    const supervisor = this.running;
    if (!supervisor) return;
    this.parts.permits().withdraw();
    await this.parts.firewall().install(this.plan(false));
    this.running = null;
    this.parts.state.remember({ protecting: null });
    this.closeMirrors();
    this.closeDecoys();
    await supervisor.stop();
    this.parts.traffic.retire(supervisor.workers);
  }

  /**
   * Brings workers and kernel to the configuration, where protection is on; the rules themselves are only loaded again
   * where they differ.
   */
  async change(source: RuleSource): Promise<void> {
    const supervisor = this.running;
    if (!supervisor) return;
    const { rules, state } = this.parts;
    const firewall = this.parts.firewall();
    // What is taken into inspection by a change goes on; `on-enable` is about turning protection on.
    supervisor.adoptEarlier();
    await this.layDecoys();
    const key = ruleSourceKey(source);
    if (source.policy && rules.areFrom(key, source) && supervisor.listsAreCurrent) {
      await firewall.install(this.plan(true));
      supervisor.setPolicy(source.policy);
      return;
    }
    await supervisor.reload(
      () => prepareRulesApart(source),
      async (summary) => {
        const { generation } = state;
        state.nextGeneration();
        const takeBack = rules.accept(summary, key, source);
        if (!summary.replyPayload) supervisor.setReplyPayload(false);
        try {
          await firewall.install(this.plan(true));
        } catch (error) {
          // The kernel still has what belongs to the rules before. Nothing was marked with the new generation.
          takeBack();
          state.remember({ generation });
          supervisor.setReplyPayload(rules.summary?.replyPayload ?? true);
          throw error;
        }
        if (summary.replyPayload) supervisor.setReplyPayload(true);
      },
    );
    supervisor.setOffload(offloadMark(this.configuration, state.generation));
  }

  /** To be called now and then; see HostChanges. */
  lookAtHost(): Promise<void> {
    return this.hostChanges.look();
  }

  /** What there is to end with the engine, when no rule leads anywhere any more. */
  ends(): TakeDownStep[] {
    return [
      ['the mirrors', () => this.watched?.close()],
      ['the decoys', () => this.closeDecoys()],
      ['the workers', () => this.running?.stop()],
    ];
  }

  /** Behind all of `ends`, well or not. */
  ended(): void {
    this.running = null;
  }

  /** After no rule leads to them any more. */
  closeDecoys(): void {
    this.laid?.close();
    this.laid = null;
  }

  private closeMirrors(): void {
    this.watched?.close();
    this.watched = null;
  }

  /** What becomes of the connections that are there; null: they are adopted. Monitoring never changes traffic. */
  private earlierConnections(): EarlierConnectionSettings | null {
    const { mode, log } = this.parts;
    return mode === 'monitoring' ? null : connectionsFromNow(this.configuration['on-enable'], log);
  }

  private async resetOwnConnections(): Promise<void> {
    const earlier = this.earlierConnections();
    if (earlier === null) return;
    await resetOwnConnections(earlier, this.plan(true), this.parts.firewall(), this.parts.log);
  }

  /** Before rules lead to them. In Monitoring mode nothing is accepted that would not be without us. */
  private async layDecoys(): Promise<void> {
    const { scan } = this.configuration;
    if (!scan.decoy || this.parts.mode === 'monitoring') return;
    const limits: DecoyLimits = {
      connections: scan['decoy-connections'],
      bytes: scan['decoy-bytes'],
      seconds: scan['decoy-timeout'],
    };
    if (this.laid) this.laid.setLimits(limits);
    else this.laid = await Decoys.listen(limits);
  }
}

/** @throws MirrorError */
function openMirrors({ pcap }: Configuration): Mirrors | null {
  return pcap.length === 0 ? null : Mirrors.open(pcap);
}
