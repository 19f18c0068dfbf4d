import type { Configuration } from '@portcullis/configuration';
import type { Mode } from '@portcullis/control';
import type { EventSink } from '@portcullis/events';
import { type FirewallBackend, MemoryFirewall } from '@portcullis/firewall';
import { BanPermits } from './ban-permits';
import { Bans } from './bans';
import { excludedDevices } from './exclusions';
import type { Incidents } from './incidents';
import type { Logger } from './logger';
import { NeverBlock } from './never-block';
import { Responses } from './responses';
import type { RulesInForce } from './rules-in-force';
import { spaced } from './spaced';
import type { Supervisor } from './workers/supervisor';

/** Between two messages to the workers: in a flood of attacks one ban after the other is refused. */
const FORGETTING_MILLISECONDS = 10;

export interface BlockingParts {
  readonly mode: Mode;
  readonly log: Logger;
  readonly incidents: Incidents;
  readonly rules: RulesInForce;
  readonly firewall: FirewallBackend;
  readonly sink: EventSink;
  configuration(): Configuration;
  /** Null while protection is off. */
  supervisor(): Pick<Supervisor, 'forgetBlockedSources' | 'setBanPermit'> | null;
}

/** Who is blocked and who never is: the bans, what is done about attackers, and what workers may do ahead of it. */
export class Blocking {
  readonly bans: Bans;
  readonly responses: Responses;
  readonly permits: BanPermits;
  private neverBlock: NeverBlock;

  constructor(private readonly parts: BlockingParts) {
    this.neverBlock = neverBlockOf(parts.configuration());
    this.bans = this.makeBans();
    this.responses = this.makeResponses();
    this.permits = this.makePermits();
  }

  /** Puts the bans of before in force, and tells what was found. @throws FirewallError */
  async start(): Promise<void> {
    const { log } = this.parts;
    const { ledger, adopted, restored } = await this.bans.service.start();
    const { damagedLines } = ledger;
    if (damagedLines > 0)
      log.warn(
        `${damagedLines} damaged lines of the ban ledger were passed over; of the bans they held, ${adopted} were in the kernel and are kept`,
      );
    if (restored > 0) log.info(`${restored} bans are in force again`);
  }

  /** What has to be known before it is needed. To be called every second. */
  lookAround(): void {
    this.neverBlock.refresh();
    this.bans.service.lookAround();
    this.permits.renew();
    this.responses.keepOffendersNowAndThen();
  }

  /** There is another configuration. What it excludes is let in; whom the kernel keeps out all the same is told. */
  async useConfiguration(): Promise<void> {
    const configuration = this.parts.configuration();
    this.neverBlock = neverBlockOf(configuration);
    const began = Date.now();
    this.permits.hold();
    try {
      let banned = false;
      for (const device of excludedDevices(configuration.exclusions)) {
        const { count, exceptedFrom } = await this.bans.service.remove(device);
        banned ||= count > 0 || exceptedFrom.length > 0;
      }
      if (banned) this.passOver(began);
    } catch (error) {
      this.parts.log.error(`what is excluded now may be banned still: ${(error as Error).message}`);
    } finally {
      this.permits.release();
    }
  }

  /** Devices were let in by hand: workers forget what they have seen of them until now. @param began wall clock, ms */
  private passOver(began: number): void {
    this.parts.supervisor()?.forgetBlockedSources(began * 1000);
    this.permits.passOver();
  }

  private makeBans(): Bans {
    const { mode, log, firewall, sink, configuration } = this.parts;
    return new Bans({
      // In Monitoring mode no rule drops: bans of an earlier Standard run only run out.
      backend: mode === 'monitoring' ? new MemoryFirewall() : firewall,
      directory: configuration()['state-dir'],
      sink: () => sink,
      neverBlock: (prefix, isolation) => this.neverBlock.refuses(prefix, isolation),
      defaultSeconds: () => configuration()['block-duration'],
      graceSeconds: () => configuration()['unblock-grace'],
      onLedger: (failed, message) => (failed ? log.error(message) : log.info(message)),
      onRemoving: () => this.permits.hold(),
      onRemoved: (began) => {
        this.passOver(began);
        this.permits.release();
      },
    });
  }

  private makeResponses(): Responses {
    const { mode, log, incidents, rules, sink, configuration, supervisor } = this.parts;
    return new Responses({
      directory: configuration()['state-dir'],
      bans: this.bans,
      mode,
      incidents,
      log,
      sink: () => sink,
      configuration,
      classes: () => rules.classes,
      onRefused: spaced(FORGETTING_MILLISECONDS, () => supervisor()?.forgetBlockedSources(null)),
      onDecided: () => this.permits.makeRoom(),
    });
  }

  private makePermits(): BanPermits {
    const { configuration, supervisor } = this.parts;
    return new BanPermits({
      policy: () => this.responses.policy,
      spared: (networks) => [...this.bans.service.spared(networks), ...this.neverBlock.spared],
      room: () => this.responses.room,
      graceSeconds: () => configuration()['unblock-grace'],
      send: (permit) => supervisor()?.setBanPermit(permit),
    });
  }
}

function neverBlockOf({ protect, exclusions, 'never-block': never }: Configuration): NeverBlock {
  return new NeverBlock([...never, ...excludedDevices(exclusions)], protect.networks);
}
