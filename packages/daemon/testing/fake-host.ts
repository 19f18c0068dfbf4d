import { type Configuration, loadConfiguration } from '@portcullis/configuration';
import type { StatusAnswer } from '@portcullis/control';
import type { IptablesVariant } from '@portcullis/firewall';
import { statusAnswer } from '../../control/testing/status-answer';
import type { Circumstances, EngineFacts, FirewallFacts } from '../src/doctor/circumstances';
import type { CommandOutput, FileFacts, FirewallView, FreeSpace, Host } from '../src/doctor/host';
import { parseSets } from '../src/doctor/kernel-sets';
import { parseTables } from '../src/doctor/kernel-tables';

export const NOW = Date.UTC(2026, 5, 1, 12);

/** A machine of which every part can be said. */
export class FakeHost implements Host {
  nodeVersion = '20.19.0';
  readonly texts = new Map<string, string | Buffer>();
  readonly files = new Map<string, FileFacts>();
  readonly folders = new Map<string, string[]>();
  /** By the whole command line. */
  readonly commands = new Map<string, CommandOutput>();
  space: FreeSpace | null = { bytes: 10e9, files: 100_000 };
  unwritable: string | null = null;
  leftovers: string[] = [];
  variant: IptablesVariant = 'nft';
  firewallError: Error | null = null;
  /** Answers of the engine by command; an Error is thrown. */
  readonly answers = new Map<string, unknown>();
  http: { status: number; body: string } | Error = { status: 200, body: 'portcullis_protecting 1\n' };
  opened = 0;

  now = () => NOW;
  run = async (program: string, args: readonly string[]) =>
    this.commands.get([program, ...args].join(' ')) ?? null;
  read = (path: string) => this.texts.get(path)?.toString() ?? null;
  readBytes = (path: string) => {
    const text = this.texts.get(path);
    return text === undefined ? null : Buffer.from(text as string);
  };
  list = (path: string) => this.folders.get(path) ?? [];
  file = (path: string) => this.files.get(path) ?? null;
  freeSpace = () => this.space;
  tryWrite = () => this.unwritable;
  tryAppend = () => this.unwritable;

  async openFirewall(backend: 'auto' | IptablesVariant): Promise<FirewallView> {
    if (this.firewallError) throw this.firewallError;
    const variant = backend === 'auto' ? this.variant : backend;
    this.opened++;
    return {
      name: `iptables-${variant}`,
      variant,
      leftovers: async () => this.leftovers,
      close: async () => {
        this.opened--;
      },
    };
  }

  async askEngine(_socket: string, command: string): Promise<unknown> {
    const answer = this.answers.get(command);
    if (answer instanceof Error) throw answer;
    return answer;
  }

  async httpGet() {
    if (this.http instanceof Error) throw this.http;
    return this.http;
  }

  says(command: string, stdout: string, exitCode = 0, stderr = ''): this {
    this.commands.set(command, { stdout, exitCode, stderr });
    return this;
  }
}

/** What `iptables-save` prints for rules as an engine of two queues writes them. */
export function savedTables(family: 4 | 6): string {
  const banned = (end: string) => `-m set --match-set portcullis_ban${family} ${end}`;
  const drop = (end: string) => `${banned(end)} -j DROP`;
  const enter = '-m conntrack --ctdir ORIGINAL -j portcullis_enter';
  return `# comment
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:portcullis - [0:0]
:portcullis_out - [0:0]
-A PREROUTING -j portcullis
-A OUTPUT -j portcullis_out
-A portcullis -i lo -j RETURN
-A portcullis ${drop('src')}
-A portcullis_out ${drop('dst')}
COMMIT
*mangle
:FORWARD ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:portcullis - [0:0]
:portcullis_ban - [0:0]
:portcullis_bypass - [0:0]
:portcullis_enter - [0:0]
-A FORWARD ${banned('dst')} ! --update-counters -j portcullis_ban
-A FORWARD ${enter}
-A FORWARD -j portcullis_bypass
-A FORWARD -j portcullis
-A INPUT ${enter}
-A INPUT -j portcullis_bypass
-A INPUT -j portcullis
-A OUTPUT ${enter}
-A OUTPUT -j portcullis_bypass
-A OUTPUT -j portcullis
-A portcullis -p tcp -m connmark --mark 0x1/0xf -j NFQUEUE --queue-num 0 --queue-bypass
-A portcullis -p tcp -m connmark --mark 0x2/0xf -j NFQUEUE --queue-num 1 --queue-bypass
-A portcullis_ban ${drop('dst')}
COMMIT
`;
}

export const SAVED_SETS = [
  ['portcullis_ban4', 'hash:net', 'family inet hashsize 4096 maxelem 1000 timeout 3600 counters', 3],
  ['portcullis_ban6', 'hash:net', 'family inet6 hashsize 4096 maxelem 1000 timeout 3600 counters', 0],
  ['portcullis_ports', 'bitmap:port', 'range 0-65535', 12],
]
  .map(
    ([name, type, header, entries]) =>
      `Name: ${name}\nType: ${type}\nRevision: 7\nHeader: ${header}\nSize in memory: 1\nReferences: 1\nNumber of entries: ${entries}\n`,
  )
  .join('\n');

export const NO_ENGINE: EngineFacts = {
  status: null,
  problem: 'it is not running',
  code: 'ENGINE_UNREACHABLE',
};

export function engineFacts(changes: Partial<StatusAnswer> = {}): EngineFacts {
  return { status: statusAnswer(changes), problem: null, code: null };
}

export function defaultConfiguration(...overrides: string[]): Configuration {
  return loadConfiguration({ file: null, overrides: ['protect.networks=[192.0.2.0/24]', ...overrides] });
}

/** Kernel objects as read, with the texts changed. */
export function firewallFacts(
  change: { tables?: (text: string, family: 4 | 6) => string; sets?: (text: string) => string } = {},
  leftovers: string[] = [],
): FirewallFacts {
  const tables = change.tables ?? ((text) => text);
  return {
    view: {
      name: 'iptables-nft',
      variant: 'nft',
      leftovers: async () => leftovers,
      close: async () => undefined,
    },
    tables: ([4, 6] as const).map((family) => ({
      family,
      command: family === 4 ? 'iptables-nft' : 'ip6tables-nft',
      tables: parseTables(tables(savedTables(family), family)),
    })),
    sets: parseSets((change.sets ?? ((text) => text))(SAVED_SETS)),
    problem: null,
  };
}

export const NOTHING_STANDS = { tables: () => '', sets: () => '' };

export const QUEUE_LINES =
  '    0  4711     0 2 65531     0     0       10  1\n    1  4712     0 2 65531     0     0       10  1\n';

/** An engine that is well, but for what is said. */
export function circumstances(changes: Partial<Circumstances> = {}): Circumstances & { host: FakeHost } {
  const host = new FakeHost();
  host.texts.set('/proc/net/netfilter/nfnetlink_queue', QUEUE_LINES);
  return {
    configuration: defaultConfiguration(),
    mode: 'standard',
    engine: engineFacts(),
    firewall: firewallFacts(),
    ...changes,
    host: (changes.host as FakeHost | undefined) ?? host,
  };
}
