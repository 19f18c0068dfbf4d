import {
  diagnose,
  engineVersion,
  type Finding,
  type FindingState,
  PERMISSION_CHECK,
} from '@portcullis/daemon';
import { Exit } from '../exit';
import { type ConfigOptions, loadOptions } from '../options';
import { colour, printJson, printLine } from '../print';
import { terminalSafe } from '../terminal-safe';

const paint: Readonly<Record<FindingState, (text: string) => string>> = {
  ok: colour.green,
  warning: colour.yellow,
  failed: colour.red,
  unknown: colour.dim,
};
const STATE_WIDTH = 'unknown'.length + 2;

/** One line a check; below what is not so, how to mend it. */
export function findingLines(findings: readonly Finding[]): string[] {
  const width = Math.max(0, ...findings.map(({ name }) => name.length)) + 2;
  return findings.flatMap(({ name, state, seen, mend }) => [
    `${paint[state](state.padEnd(STATE_WIDTH))}${name.padEnd(width)}${terminalSafe(seen)}`,
    ...(mend === null
      ? []
      : [`${' '.repeat(STATE_WIDTH + width)}${colour.bold('fix:')} ${terminalSafe(mend)}`]),
  ]);
}

/** `1 failed, 2 warnings, 20 ok, 3 not checked` */
export function summaryLine(findings: readonly Finding[]): string {
  const count = (wanted: FindingState) => findings.filter(({ state }) => state === wanted).length;
  const warnings = count('warning');
  return [
    `${count('failed')} failed`,
    `${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`,
    `${count('ok')} ok`,
    `${count('unknown')} could not be checked`,
  ].join(', ');
}

/** Warnings are no failure; without the rights for the probes nothing is proven either way. */
export function doctorExit(findings: readonly Finding[]): number {
  if (findings.some(({ name, state }) => name === PERMISSION_CHECK && state !== 'ok')) return Exit.PERMISSION;
  return findings.some(({ state }) => state === 'failed') ? Exit.NOT_SO : Exit.DONE;
}

export interface DoctorOptions extends ConfigOptions {
  json?: boolean;
}

export async function doctor(options: DoctorOptions): Promise<void> {
  const findings = await diagnose({ load: loadOptions(options), version: engineVersion() });
  if (options.json) {
    printJson(findings);
  } else {
    for (const line of findingLines(findings)) printLine(line);
    printLine();
    printLine(summaryLine(findings));
  }
  // A question that the engine has left without an answer would keep this process waiting for it.
  process.stdout.write('', () => process.exit(doctorExit(findings)));
}
