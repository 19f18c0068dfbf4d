import type { Configuration } from '@portcullis/configuration';
import type { Mode } from '@portcullis/control';
import { alertRecord, type Detection, type ProvisionalBan } from '@portcullis/engine';
import type { EventSink, EveRecord } from '@portcullis/events';
import type { Classification } from '@portcullis/rules';
import { AttackerBans, type BanPolicy } from './ban-attacker';
import type { Bans } from './bans';
import { engineEvent } from './engine-event';
import type { Incidents } from './incidents';
import { InterfaceNames } from './interfaces';
import type { Logger } from './logger';
import { Offenders } from './offenders';
import { StandingTrouble } from './standing-trouble';

const OFFENDERS_MILLISECONDS = 60_000;

export interface ResponseParts {
  /** For what is kept over a restart. */
  readonly directory: string;
  readonly bans: Bans;
  readonly mode: Mode;
  readonly incidents: Incidents;
  readonly log: Logger;
  sink(): EventSink;
  configuration(): Configuration;
  classes(): Classification;
  /** A ban was refused: who must not be banned is not held by the workers either. */
  onRefused(): void;
  /** There may be room for another number of bans now. */
  onDecided(): void;
}

/** What is done about what the workers have detected, and how it is told. */
export class Responses {
  private readonly attackers: AttackerBans;
  private readonly interfaces = new InterfaceNames();
  private readonly unwritten: StandingTrouble;
  private readonly unbanned: StandingTrouble;
  /** When repeat offenders were last written down, by `performance.now`. */
  private writtenAt = 0;

  constructor(private readonly parts: ResponseParts) {
    this.attackers = new AttackerBans(
      parts.bans.service,
      (perMinute) => this.banFlood(perMinute),
      undefined,
      new Offenders(parts.directory),
    );
    this.unwritten = new StandingTrouble(parts.log);
    this.unbanned = new StandingTrouble(parts.log);
  }

  /** Runs through an answer without giving it: what has never run is compiled first, and the first attack waits. */
  rehearse(detection: Detection): void {
    const { service } = this.parts.bans;
    const attackers = new AttackerBans(
      {
        ban: (request) => service.rehearse(request),
        settle: async () => undefined,
        spares: (prefix, origin) => service.spares(prefix, origin),
      },
      () => undefined,
    );
    const policy = { ...banPolicy(this.parts.configuration()), banning: true };
    attackers
      .consider({ ...detection, response: 'block', kind: 'attack', protectedEnd: null }, policy)
      ?.catch(() => undefined);
    JSON.stringify(this.record(detection));
  }

  private record(detection: Detection): EveRecord {
    const { parts } = this;
    if (detection.vlan.length === 0) detection.vlan = this.interfaces.vlans(detection.inInterface);
    return alertRecord(detection, {
      classes: parts.classes(),
      interfaceName: this.interfaces.name(detection.inInterface),
      mode: parts.mode,
    });
  }

  /** What attackers may be banned for now. */
  get policy(): BanPolicy {
    return banPolicy(this.parts.configuration());
  }

  /** Once a minute: a crash may forget who became a repeat offender within the last one. */
  keepOffendersNowAndThen(): void {
    if (performance.now() - this.writtenAt >= OFFENDERS_MILLISECONDS) this.keepOffenders();
  }

  /** Writes down who was banned how often, where bans become longer with it. */
  keepOffenders(): void {
    this.writtenAt = performance.now();
    if (this.policy.escalation === null) return;
    try {
      this.attackers.save();
      this.unwritten.ends('repeat offenders are written down again');
    } catch (error) {
      this.unwritten.begins(
        `repeat offenders cannot be written down, a restart forgets them: ${(error as Error).message}`,
      );
    }
  }

  /** New bans that may be made now. */
  get room(): number {
    return this.attackers.room(this.policy.perMinute);
  }

  /**
   * @param began when the packet was taken from the queue, by `performance.now`
   * @param banned what the worker has banned already
   * @returns the record as it was written
   */
  async to(detection: Detection, began: number, banned: ProvisionalBan | null): Promise<EveRecord> {
    const { parts } = this;
    // The ban first: every millisecond counts there, and none for the record.
    const ban = this.attackers.consider(detection, this.policy, began, banned);
    if (ban) parts.onDecided();
    const record = this.record(detection);
    if (ban) {
      const outcome = await ban;
      Object.assign(record.portcullis as object, { ban: outcome });
      if ('refused' in outcome) parts.onRefused();
      if ('failed' in outcome)
        this.unbanned.begins(`${detection.source} could not be banned: ${outcome.failed}`);
      else if ('prefix' in outcome) this.unbanned.ends('attackers can be banned again');
    }
    parts.incidents.countAlert(detection.rule.classtype ?? null, record);
    parts.sink().write(record);
    return record;
  }

  /** A flood of detections is an alarm: somebody may be trying to have others banned. */
  private banFlood(perMinute: number): void {
    this.parts.incidents.count('ban-flood');
    const message = `more than ${perMinute} devices attack within a minute: further ones are dropped and not banned`;
    this.parts.log.error(message);
    this.parts.sink().write(engineEvent('BAN_FLOOD', message));
  }
}

function banPolicy(configuration: Configuration): BanPolicy {
  return {
    banning: configuration['block-attacking-hosts'],
    seconds: configuration['block-duration'],
    withoutHandshake: configuration['ban-without-handshake'],
    ipv6Prefix: configuration['ipv6-prefix'],
    escalation: configuration.escalation === 'off' ? null : configuration.escalation,
    perMinute: configuration['max-bans-per-minute'],
  };
}
