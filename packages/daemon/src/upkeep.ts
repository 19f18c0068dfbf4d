import type { QueueRow } from '@portcullis/control';
import type { FirewallBackend } from '@portcullis/firewall';
import type { Blocking } from './blocking';
import { queueRows } from './engine-status';
import type { Incidents } from './incidents';
import type { Logger } from './logger';
import type { LostDetections } from './lost-detections';
import type { Protection } from './protection';
import { QueuePressure, type QueuePressureFacts } from './queue-pressure';
import type { RememberedState } from './remembered-state';
import { StandingTrouble } from './standing-trouble';
import type { Traffic } from './traffic';
import type { Turns } from './turns';

/** Somebody who flushes our rules is to be noticed within two seconds, whatever else the machine has to do. */
const DRIFT_MILLISECONDS = 1000;
/** Whether tables have changed at all the kernel tells in microseconds. */
const CHANGE_MILLISECONDS = 100;
/** Tables are read no more often than this: programs that manage a firewall change it many times a second. */
const CALM_MILLISECONDS = 300;
const FACTS_MILLISECONDS = 1000;

export interface UpkeepParts {
  readonly log: Logger;
  readonly incidents: Incidents;
  readonly state: RememberedState;
  readonly protection: Protection;
  readonly turns: Turns;
  readonly traffic: Traffic;
  readonly lostDetections: LostDetections;
  firewall(): FirewallBackend;
  blocking(): Blocking;
  /** What becomes of traffic that no worker attends to: `passes uninspected`, `is dropped`. */
  unattendedTraffic(): string;
}

/** What an engine looks after every second: its firewall rules, and what has to be known before it is needed. */
export class Upkeep {
  private readonly blind: StandingTrouble;
  private readonly pressure: QueuePressure;
  private readonly timers: NodeJS.Timeout[] = [];
  private repairing = false;
  private putBack = 0;
  /** When the last look at the firewall ended. */
  private lookedAt = 0;

  constructor(private readonly parts: UpkeepParts) {
    this.blind = new StandingTrouble(parts.log);
    this.pressure = new QueuePressure(parts.log);
  }

  /** How often rules of ours were put back. */
  get repairs(): number {
    return this.putBack;
  }

  start(): void {
    this.timers.push(
      setInterval(() => this.watchForDrift(), CHANGE_MILLISECONDS),
      setInterval(() => this.lookAround(), FACTS_MILLISECONDS),
    );
  }

  stop(): void {
    for (const timer of this.timers.splice(0)) clearInterval(timer);
  }

  /** What has to be known before it is needed, and what nobody tells. */
  private lookAround(): void {
    const { log, incidents, state, traffic, lostDetections } = this.parts;
    const { supervisor, mirrors } = this.parts.protection;
    this.parts.blocking().lookAround();
    state.tryAgain();
    void this.parts.protection.lookAtHost();
    lostDetections.look(traffic.totals(supervisor?.workers ?? new Map()));
    if (mirrors === null)
      this.pressure.look(queueRows(supervisor).map(pressureOf), this.parts.unattendedTraffic());
    const { lost, back } = mirrors?.lookAfter() ?? { lost: [], back: [] };
    for (const name of lost) {
      incidents.count('mirror-gone');
      log.error(`interface ${name} went down or away: nothing is seen of it until it is back`);
    }
    for (const name of back) log.info(`interface ${name} is watched again`);
  }

  private watchForDrift(): void {
    const since = performance.now() - this.lookedAt;
    if (since >= DRIFT_MILLISECONDS || (since >= CALM_MILLISECONDS && this.parts.firewall().mayHaveChanged()))
      void this.repairDrift();
  }

  /** Puts back what others have taken away of ours. */
  private async repairDrift(): Promise<void> {
    if (this.repairing) return;
    this.repairing = true;
    const { log, incidents, turns } = this.parts;
    await turns
      .take(async () => {
        // What is taken away for good while this waited for its turn is no drift.
        if (this.timers.length === 0) return;
        const differences = await this.parts.firewall().repair();
        this.blind.ends('the firewall rules are looked after again');
        if (differences.length > 0) {
          this.putBack++;
          incidents.count('firewall-repaired');
          log.warn(`somebody changed our firewall rules, they are put back: ${differences.join('; ')}`);
        }
        const restored = await this.parts.blocking().bans.service.repairDrift();
        if (restored > 0) log.warn(`somebody emptied a ban set: ${restored} bans were put back`);
      })
      .catch(({ message }: Error) =>
        this.blind.begins(
          `the firewall rules cannot be looked after, what others take away of them is not put back: ${message}`,
        ),
      );
    this.lookedAt = performance.now();
    this.repairing = false;
  }
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
