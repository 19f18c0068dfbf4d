import { parseDuration, parsePrefix } from '@portcullis/configuration';
import {
  type BanListAnswer,
  type BanRow,
  type BansAddedAnswer,
  type BansRemovedAnswer,
  ControlError,
} from '@portcullis/control';
import { type EventSink, type EveRecord, eveTimestamp } from '@portcullis/events';
import {
  BAN_ORIGINS,
  type Ban,
  type BanEvent,
  type BanOrigin,
  BanService,
  checkDuration,
  type FirewallBackend,
  type KernelBan,
} from '@portcullis/firewall';
import { SharedHistogram } from '@portcullis/metrics';

/** Counts for the metrics; a ban event belongs to one of them. */
export const banEventKinds = ['added', 'extended', 'expired', 'removed', 'refused', 'failed'] as const;

/** A list of bans has packet counts up to so many bans: reading them takes a second for a million. */
const COUNTERS_UP_TO = 65_536;

export interface BanOptions {
  backend: FirewallBackend;
  directory: string;
  sink: () => EventSink;
  /** @param isolation it is a protected host that is to be banned */
  neverBlock: (prefix: string, isolation: boolean) => string | null;
  defaultSeconds: () => number;
  /** After an unblocking by hand no attack bans the device again for so long. */
  graceSeconds: () => number;
  /** The disk refuses the ledger, or takes it again. */
  onLedger: (failed: boolean, message: string) => void;
  /** Told before devices are unblocked by hand, and after, whether it was done or not. */
  onRemoving: () => void;
  /** @param began wall clock, ms */
  onRemoved: (began: number) => void;
}

/** Blocked devices: asks the ban service, tells what happened as EVE records, answers the `bans` commands. */
export class Bans {
  readonly service: BanService;
  readonly counts: Record<(typeof banEventKinds)[number], number> = {
    added: 0,
    extended: 0,
    expired: 0,
    removed: 0,
    refused: 0,
    failed: 0,
  };
  /** The same by kind, origin and family. */
  private readonly byOrigin = new Map<string, number>();
  /** Until the kernel's acknowledgement: of an attack from taking its packet from the queue, else from the wish. */
  readonly latency = new SharedHistogram();

  constructor(private readonly options: BanOptions) {
    this.service = new BanService({
      backend: options.backend,
      directory: options.directory,
      neverBlock: (prefix, origin) => options.neverBlock(prefix.text, origin === 'isolation') ?? undefined,
      graceSeconds: () => options.graceSeconds(),
      onEvent: (event) => this.tell(event),
      onLedger: options.onLedger,
    });
  }

  async list(args: Record<string, unknown>): Promise<BanListAnswer> {
    const offset = Math.max(0, Number(args.offset) || 0);
    const wanted = Number(args.limit);
    const limit = wanted > 0 ? Math.min(100_000, wanted) : 1000;
    const { total, bans } = await this.service.list(offset, limit);
    return { total, offset, bans: await this.rows(bans, this.few) };
  }

  async show(args: Record<string, unknown>): Promise<BanRow | null> {
    const [narrowest] = this.service.show(addressOf(args.address));
    return narrowest ? ((await this.rows([narrowest], true))[0] as BanRow) : null;
  }

  async add(args: Record<string, unknown>): Promise<BanRow> {
    const ban = await this.service.ban({ prefix: addressOf(args.address), ...this.wishes(args) });
    return (await this.rows([ban], this.few))[0] as BanRow;
  }

  /** Many at once: what is refused keeps none of the others from being banned. */
  async addMany(args: Record<string, unknown>): Promise<BansAddedAnswer> {
    const { addresses } = args;
    if (!Array.isArray(addresses)) throw new ControlError('ADDRESS_INVALID', 'a list of addresses is wanted');
    const wishes = this.wishes(args);
    checkDuration(wishes.seconds);
    function* requests() {
      for (const address of addresses as unknown[]) yield { prefix: String(address), ...wishes };
    }
    const { banned, refused, refusals } = await this.service.banMany(requests());
    return {
      banned,
      refused,
      refusals: refusals.map(({ prefix, reason }) => ({ address: prefix, reason })),
    };
  }

  private wishes(args: Record<string, unknown>) {
    return {
      seconds: args.for === undefined ? this.options.defaultSeconds() : durationOf(args.for),
      reason: typeof args.reason === 'string' ? args.reason : 'by hand',
      origin: 'manual' as const,
    };
  }

  async remove(args: Record<string, unknown>): Promise<BansRemovedAnswer> {
    const began = Date.now();
    this.options.onRemoving();
    try {
      return await this.letIn(args);
    } finally {
      this.options.onRemoved(began);
    }
  }

  private async letIn(args: Record<string, unknown>): Promise<BansRemovedAnswer> {
    const answer: BansRemovedAnswer = { count: 0, removed: [], not_banned: [] };
    if (args.all === true) {
      const { count, removed } = await this.service.remove('all');
      Object.assign(answer, { count, removed });
    } else {
      const addresses = Array.isArray(args.addresses) ? args.addresses.map(addressOf) : [];
      for (const address of addresses) {
        const { count, removed, exceptedFrom } = await this.service.remove(address);
        answer.count += count;
        if (count === 0 && exceptedFrom.length === 0) answer.not_banned.push(address);
        else answer.removed.push(...(count > 0 ? removed : [address]));
      }
    }
    return answer;
  }

  /** How often each has happened; all there are, so that a first one shows as an increase. */
  *happened(): IterableIterator<{ event: string; origin: BanOrigin; family: string; value: number }> {
    for (const event of banEventKinds)
      for (const origin of BAN_ORIGINS)
        for (const family of FAMILIES) {
          const value = this.byOrigin.get(countKey(event, origin, family)) ?? 0;
          yield { event, origin, family: `ipv${family}`, value };
        }
  }

  *active(): IterableIterator<{ origin: BanOrigin; family: string; value: number }> {
    for (const origin of BAN_ORIGINS)
      for (const family of FAMILIES)
        yield { origin, family: `ipv${family}`, value: this.service.count(origin, family) };
  }

  private get few(): boolean {
    return this.service.size <= COUNTERS_UP_TO;
  }

  /** @param counted with what the kernel has counted; it has to be asked for all of its entries */
  private async rows(bans: readonly Ban[], counted: boolean): Promise<BanRow[]> {
    const wanted = new Set(bans.map((ban) => ban.prefix));
    const kernel = new Map<string, KernelBan>();
    if (counted && wanted.size > 0)
      await this.options.backend.eachBan((entry) => {
        if (wanted.has(entry.prefix)) kernel.set(entry.prefix, entry);
      });
    const now = Date.now();
    return bans.map((ban) => ({
      id: ban.id,
      prefix: ban.prefix,
      reason: ban.reason,
      sid: ban.sid,
      origin: ban.origin,
      count: ban.count,
      since: new Date(ban.since).toISOString(),
      until: new Date(ban.until).toISOString(),
      remaining_s: Math.max(0, Math.ceil((ban.until - now) / 1000)),
      packets: counted ? (kernel.get(ban.prefix)?.packets ?? 0) : null,
      bytes: counted ? (kernel.get(ban.prefix)?.bytes ?? 0) : null,
    }));
  }

  private tell(event: BanEvent): void {
    this.counts[event.kind]++;
    const { prefix, origin = 'attack' } = event.kind === 'refused' ? event.request : event.ban;
    const key = countKey(event.kind, origin, familyOf(prefix));
    this.byOrigin.set(key, (this.byOrigin.get(key) ?? 0) + 1);
    if (event.kind === 'added' || event.kind === 'extended') this.latency.observe(event.milliseconds * 1000);
    this.options.sink().write(banRecord(event));
  }
}

const FAMILIES = [4, 6] as const;
type Family = (typeof FAMILIES)[number];

const familyOf = (prefix: string): Family => (prefix.includes(':') ? 6 : 4);
const countKey = (event: BanEvent['kind'], origin: BanOrigin, family: Family) =>
  `${event} ${origin} ${family}`;

function banRecord(event: BanEvent): EveRecord {
  const timestamp = eveTimestamp(Date.now() * 1000);
  if (event.kind === 'refused') {
    const { prefix, reason } = event.request;
    return {
      timestamp,
      event_type: 'ban',
      src_ip: prefix.split('/')[0] as string,
      ban: { action: 'refused', prefix, reason: `${event.reason} (${reason})` },
    };
  }
  const { ban } = event;
  return {
    timestamp,
    event_type: 'ban',
    src_ip: ban.prefix.split('/')[0] as string,
    ban: {
      action: event.kind,
      id: ban.id,
      prefix: ban.prefix,
      until: new Date(ban.until).toISOString(),
      duration_s: Math.round((ban.until - ban.since) / 1000),
      count: ban.count,
      origin: ban.origin,
      reason: event.kind === 'failed' ? `${ban.reason}: ${event.error.message}` : ban.reason,
    },
  };
}

function addressOf(value: unknown): string {
  if (typeof value !== 'string') throw new ControlError('ADDRESS_INVALID', 'an address is wanted');
  try {
    const prefix = parsePrefix(value);
    return prefix.replace(/^([0-9.]+)\/32$|^(.*:.*)\/128$/, '$1$2');
  } catch (error) {
    throw new ControlError('ADDRESS_INVALID', (error as Error).message);
  }
}

function durationOf(value: unknown): number {
  try {
    return parseDuration(String(value));
  } catch (error) {
    throw new ControlError('DURATION_INVALID', (error as Error).message);
  }
}
