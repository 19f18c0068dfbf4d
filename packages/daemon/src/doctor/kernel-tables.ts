import type { IptablesVariant } from '@portcullis/firewall';
import type { Host } from './host';

/** Rules of each chain of a table, as `iptables-save` writes them behind `-A CHAIN `. */
export type TableRules = ReadonlyMap<string, readonly string[]>;

export interface FamilyTables {
  readonly family: 4 | 6;
  /** The command that shows them: `iptables-nft`, `ip6tables-nft`. */
  readonly command: string;
  readonly tables: ReadonlyMap<string, TableRules>;
}

/** Parses the output of `iptables-save`. */
export function parseTables(text: string): Map<string, Map<string, string[]>> {
  const tables = new Map<string, Map<string, string[]>>();
  let table = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      table = new Map();
      tables.set(line.slice(1).trim(), table);
      continue;
    }
    const [, chain, rule] = /^:(\S+) /.exec(line) ?? /^-A (\S+) ?(.*)$/.exec(line) ?? [];
    if (chain === undefined) continue;
    const rules = table.get(chain) ?? [];
    table.set(chain, rules);
    if (rule !== undefined) rules.push(rule);
  }
  return tables;
}

/**
 * What stands in the kernel for each address family it has.
 * @throws Error with what the program said
 */
export async function readTables(host: Host, variant: IptablesVariant): Promise<FamilyTables[]> {
  const families = host.read('/proc/net/if_inet6') === null ? ([4] as const) : ([4, 6] as const);
  const found: FamilyTables[] = [];
  for (const family of families) {
    const stem = family === 4 ? 'iptables' : 'ip6tables';
    const own = await host.run(`${stem}-${variant}-save`, []);
    // An old distribution has the plain names only.
    const output = own ?? (await host.run(`${stem}-save`, []));
    const command = own ? `${stem}-${variant}` : stem;
    if (output?.exitCode !== 0) throw new Error(`${command}-save: ${output?.stderr.trim() || 'is missing'}`);
    found.push({ family, command, tables: parseTables(output.stdout) });
  }
  return found;
}

export function rulesOf({ tables }: FamilyTables, table: string, chain: string): readonly string[] {
  return tables.get(table)?.get(chain) ?? [];
}
