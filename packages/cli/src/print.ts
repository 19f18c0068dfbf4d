import pc from 'picocolors';
import { shown, terminalSafe, terminalSafeJson } from './terminal-safe';

/** Output for people: tables and colours only where a person reads it; `--json` output goes past all this. */
export function printJson(data: unknown): void {
  process.stdout.write(`${terminalSafeJson(data)}\n`);
}

/** Whatever is in the text, a terminal only shows it, in lines and in the colours of ours. */
export function printLine(text = ''): void {
  process.stdout.write(`${shown(text, colour.isColorSupported)}\n`);
}

/** To standard error; as `printLine`. */
export function printProblem(text: string): void {
  process.stderr.write(`${shown(text, false)}\n`);
}

export const colour = pc.createColors(Boolean(process.stdout.isTTY) && !process.env.NO_COLOR);

/** A table without lines, as `ss` or `ip` print theirs. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const Table = require('cli-table3') as typeof import('cli-table3');
  const table = new Table({
    head: head.map((text) => colour.bold(text)),
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '  ',
    },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  // A cell is one line.
  for (const row of rows)
    table.push(row.map((cell) => shown(cell, colour.isColorSupported).replaceAll('\n', terminalSafe)));
  printLine(table.toString());
}

/** `3725` → `1h 2m`; two units are enough for a person. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 86400), 'd'],
    [Math.floor((whole % 86400) / 3600), 'h'],
    [Math.floor((whole % 3600) / 60), 'm'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return '0s';
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value}${unit}`)
    .join(' ');
}

/** `1536` → `1.5 kB`; powers of 1000, as network people count. */
export function formatBytes(bytes: number): string {
  return withPrefix(bytes, 'B');
}

/** Bits, for rates: `98.3 Mbit`. */
export function formatBits(bits: number): string {
  return withPrefix(bits, 'bit');
}

function withPrefix(value: number, unit: string): string {
  const prefixes = ['', 'k', 'M', 'G', 'T'];
  let scaled = value;
  let at = 0;
  while (scaled >= 1000 && at < prefixes.length - 1) {
    scaled /= 1000;
    at++;
  }
  return `${at === 0 ? Math.round(scaled) : scaled.toFixed(1)} ${prefixes[at]}${unit}`;
}

export function formatCount(value: number): string {
  return value.toLocaleString('en-US').replaceAll(',', ' ');
}
