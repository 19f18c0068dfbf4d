import type { BanEntry, KernelBan } from './backend';
import { explainCommandFailure, FirewallError } from './errors';
import { type Family, NextSet, SetName } from './names';
import type { PortRange } from './ports';
import { Prefix } from './prefix';
import type { Questions } from './resident-shell';

/** What `ipset list -terse` says about a set. */
export interface SetHeader {
  readonly name: string;
  readonly type: string;
  /** The rest of the header line: `family inet hashsize 1024 maxelem 65536 timeout 3600 counters …`. */
  readonly header: string;
  readonly references: number;
  readonly entries: number;
}

/** One-off ipset commands: making, filling, swapping, reading. What is done to bans goes through BanSets. */
export class Ipset {
  constructor(private readonly runner: Questions) {}

  /** @param name of one set (nothing comes where it is not there); default: all */
  async headers(name?: string): Promise<Map<string, SetHeader>> {
    const args = ['list', ...(name === undefined ? [] : [name]), '-terse'];
    const { exitCode, stdout, stderr } = await this.runner.run('ipset', args);
    if (exitCode !== 0 && name === undefined)
      throw explainCommandFailure('ipset list -terse', stderr, exitCode);
    return parseSetHeaders(stdout);
  }

  /**
   * Runs lines through `ipset restore`: the kernel takes them in large batches.
   *
   * @throws FirewallError COMMAND_FAILED (what stood before the failing line is done), IPSET_MISSING
   */
  async restore(lines: Iterable<string>, timeoutMilliseconds = 30_000): Promise<void> {
    const options = { input: lines, timeoutMilliseconds };
    const { exitCode, stderr } = await this.runner.run('ipset', ['restore', '-exist'], options);
    if (exitCode === 0) return;
    throw explainCommandFailure('ipset restore -exist', stderr, exitCode);
  }

  /** The ranges of a port set; undefined when there is no such set. */
  async savedPorts(name: string): Promise<PortRange[] | undefined> {
    const ranges: PortRange[] = [];
    const prefix = `add ${name} `;
    const { exitCode, stderr } = await this.runner.run('ipset', ['save', name], {
      onLine: (line) => {
        if (!line.startsWith(prefix)) return;
        const port = Number(line.slice(prefix.length));
        const last = ranges[ranges.length - 1];
        if (last && last.last === port - 1) ranges[ranges.length - 1] = { first: last.first, last: port };
        else ranges.push({ first: port, last: port });
      },
    });
    if (exitCode === 0) return ranges;
    if (/does not exist/.test(stderr)) return undefined;
    throw explainCommandFailure(`ipset save ${name}`, stderr, exitCode);
  }

  async destroy(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const { exitCode, stderr } = await this.runner.run('ipset', ['destroy', name]);
      if (exitCode === 0 || /does not exist/.test(stderr)) continue;
      const command = `ipset destroy ${name}`;
      if (/in use by a kernel component/.test(stderr)) {
        throw new FirewallError(
          'SET_IN_USE',
          `the set ${name} cannot be removed: a rule that is not ours, or one in the other iptables variant, uses it. "portcullis doctor" names leftovers; then run "${command}".`,
          { command, stderr },
        );
      }
      throw explainCommandFailure(command, stderr, exitCode);
    }
  }
}

/** Reads what `ipset list -terse` prints. */
export function parseSetHeaders(text: string): Map<string, SetHeader> {
  const sets = new Map<string, SetHeader>();
  for (const block of text.split('\n\n')) {
    const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
    const name = field('Name');
    if (name === '') continue;
    sets.set(name, {
      name,
      type: field('Type'),
      header: field('Header'),
      references: Number(field('References')),
      entries: Number(field('Number of entries')),
    });
  }
  return sets;
}

/** `192.0.2.0/24 timeout 58 nomatch packets 0 bytes 0`, the words in any order. */
export function parseEntry(text: string): KernelBan {
  const end = text.indexOf(' ');
  const address = end < 0 ? text : text.slice(0, end);
  // ipset prints some IPv6 addresses with an IPv4 tail (::192.0.2.1); everything else is in normal form already.
  const mixed = address.includes(':') && address.includes('.');
  return {
    prefix: mixed ? Prefix.parse(address).text : address,
    remaining: numberAfter(text, ' timeout '),
    packets: numberAfter(text, ' packets '),
    bytes: numberAfter(text, ' bytes '),
    exception: text.includes(' nomatch'),
  };
}

/** 0 where the word is not there. There may be a million lines: nothing is cut out of them. */
function numberAfter(text: string, word: string): number {
  const found = text.indexOf(word);
  if (found < 0) return 0;
  let number = 0;
  for (let at = found + word.length; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) break;
    number = number * 10 + digit;
  }
  return number;
}

export const banSetOf = (prefix: string): typeof SetName.ban4 | typeof SetName.ban6 =>
  prefix.includes(':') ? SetName.ban6 : SetName.ban4;

export const banSetName = (family: Family): typeof SetName.ban4 | typeof SetName.ban6 =>
  family === 4 ? SetName.ban4 : SetName.ban6;

/** As `parseEntry` reads it. */
export function entryLine({ prefix, remaining, exception }: BanEntry): string {
  return exception ? `${prefix} timeout ${remaining} nomatch` : `${prefix} timeout ${remaining}`;
}

/** A new set is filled beside the one in use and swapped in: rules see the old or the new. */
export function portSetLines(ranges: readonly PortRange[]): string[] {
  const next = NextSet[SetName.ports];
  return [
    `create ${SetName.ports} bitmap:port range 0-65535\n`,
    `create ${next} bitmap:port range 0-65535\n`,
    `flush ${next}\n`,
    ...ranges.map(({ first, last }) => `add ${next} ${first}-${last}\n`),
    `swap ${SetName.ports} ${next}\n`,
    `destroy ${next}\n`,
  ];
}

/** `maxelem` of a set's header line. */
export function capacityOf(header: string): number {
  return Number(/\bmaxelem (\d+)/.exec(header)?.[1] ?? 0);
}
