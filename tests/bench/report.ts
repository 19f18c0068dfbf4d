/** The tables, for a terminal and for docs/performance.md. */
import { BAN_GOAL_MILLISECONDS, type BanTime, type BanTimes, LISTENED_MILLISECONDS } from './ban-time';
import { MEMORY_GOAL, type MemoryPerFlow } from './memory-per-flow';
import { modeTitles, type QueueTotals } from './modes';
import type { ModeName } from './options';
import type { Goal, Measurement, Row } from './summary';
import { workloads } from './workloads';

export interface Machine {
  processor: string;
  cores: number;
  memoryGigabytes: number;
  kernel: string;
  node: string;
}

export interface Report {
  date: string;
  machine: Machine;
  commit: string;
  /** Processes that wanted a processor, on average over a minute, before and after. */
  load: { before: number; after: number };
  rounds: number;
  seconds: number;
  queues: number;
  rules: { source: string; loaded: number | null };
  rows: Row[];
  /** Share of one processor taken by engines that had nothing to do. */
  idle: number | null;
  /** Processor time that the host gave to others: the largest share during a measurement, and rounds made again for it. */
  stolen: { most: number; repeated: number };
  /** Packets of the engine modes: but for planted attacks none should be dropped, nor pass because a queue is full. */
  packets: ({ mode: ModeName } & QueueTotals)[];
  memory: MemoryPerFlow | null;
  ban: BanTimes | null;
  measurements: Measurement[];
}

const NONE = '–';
export const percent = (share: number) => (Number.isNaN(share) ? NONE : `${(share * 100).toFixed(0)} %`);
const mark = (reached: boolean | null) => (reached === null ? NONE : reached ? 'yes' : 'NO');

/** Three digits that mean something, thousands apart. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return NONE;
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const [whole, fraction] = value.toFixed(digits).split('.') as [string, string?];
  const apart = whole.replace(/\B(?=(\d{3})+$)/g, ' ');
  return fraction === undefined ? apart : `${apart}.${fraction}`;
}

function goalText(goal: Goal | null): string {
  if (goal === null) return NONE;
  if (goal.kind === 'added') return `p99 ≤ no queue + ${goal.most} ms`;
  if (goal.kind === 'payload') return `≥ ${percent(goal.least)} of ${goal.of}`;
  return `≥ ${percent(goal.least)} of ${goal.of === 'limit' ? 'limit' : 'no queue'}`;
}

const stoppedText = ({ planted, stopped }: Row['attacks']) =>
  planted === 0 ? NONE : `${stopped} of ${planted}`;

/** Whether the goal was reached and, where the columns do not tell it, what was. */
function reachedText({ goal, reached, added, ofPayload }: Row): string {
  if (goal === null || reached === null || goal.kind === 'mode') return mark(reached);
  const what = goal.kind === 'added' ? `${figure(added)} ms added` : percent(ofPayload);
  return `${mark(reached)} (${what})`;
}

const headings = [
  '',
  'rate',
  'of limit',
  'of no queue',
  'p50 ms',
  'p99 ms',
  'processor time',
  'attacks stopped',
  'goal',
  'reached',
];

/** One table per workload: title and cells, headings first. */
function workloadTables(rows: readonly Row[]): { title: string; cells: string[][] }[] {
  return [...new Set(rows.map((row) => row.workload))].map((name) => {
    const { title, rateUnit, amountUnit } = workloads[name];
    const head = headings.map((text) =>
      text === 'rate' ? rateUnit : text === 'processor time' ? `CPU s per ${amountUnit}` : text,
    );
    const cells = rows
      .filter((row) => row.workload === name)
      .map((row) => [
        modeTitles[row.mode] + (row.errors > 0 ? ` (${figure(row.errors)} failed)` : ''),
        figure(row.rate),
        row.mode === 'limit' ? NONE : percent(row.ofLimit),
        row.mode === 'none' ? NONE : percent(row.ofNone),
        figure(row.p50),
        figure(row.p99),
        figure(row.consumer),
        stoppedText(row.attacks),
        goalText(row.goal),
        reachedText(row),
      ]);
    return { title, cells: [head, ...cells] };
  });
}

function singleFigures(report: Report): string[][] {
  const cells: string[][] = [];
  const { memory, ban } = report;
  if (memory) {
    const parts = `${figure(memory.table)} in tables, ${figure(memory.heap)} on the heap, ${figure(memory.external)} outside it`;
    cells.push([
      `memory of a flow at rest (${figure(memory.flows)} flows)`,
      `${figure(memory.total)} bytes (${parts})`,
      `≤ ${MEMORY_GOAL} bytes`,
      mark(memory.total <= MEMORY_GOAL),
    ]);
  }
  if (ban) {
    const { engine, machine, repeated } = ban;
    const again = repeated > 0 ? `, ${repeated} made again because the host took processor time away` : '';
    cells.push([
      `from the attack to the kernel's ban (${engine.attacks} attacks${again})`,
      banText(engine),
      `p99 < ${BAN_GOAL_MILLISECONDS} ms`,
      mark(engine.unbanned === 0 && engine.p99 < BAN_GOAL_MILLISECONDS),
    ]);
    cells.push([
      'the same by a C program that only compares bytes and bans, in turn with it',
      banText(machine),
      NONE,
      NONE,
    ]);
  }
  return cells.length === 0 ? [] : [['', 'measured', 'goal', 'reached'], ...cells];
}

function banText({ p50, p90, p99, longest, unbanned }: BanTime): string {
  const missed = unbanned > 0 ? `, ${unbanned} not within ${LISTENED_MILLISECONDS} ms` : '';
  return `p50 ${figure(p50)} ms, p90 ${figure(p90)} ms, p99 ${figure(p99)} ms, longest ${figure(longest)} ms${missed}`;
}

function circumstances(report: Report): string[] {
  const { machine, load, rules, idle, stolen } = report;
  const lines = [
    `${report.date}, commit ${report.commit}, ${report.rounds} rounds of ${report.seconds} s, ${report.queues} ${report.queues === 1 ? 'queue' : 'queues'}.`,
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGigabytes} GB; Linux ${machine.kernel}, Node.js ${machine.node}.`,
    `Load average ${load.before.toFixed(1)} before and ${load.after.toFixed(1)} after (by itself the benchmark makes about 2 to 4).`,
    `Rules: ${rules.loaded === null ? '' : `${figure(rules.loaded)} of `}${rules.source}.`,
  ];
  if (idle !== null)
    lines.push(`Engines of other modes took ${percent(idle)} of one processor while one was measured.`);
  lines.push(
    `The host took up to ${(stolen.most * 100).toFixed(1)} % of the processors away during a measurement; ${stolen.repeated} rounds were made again for that.`,
  );
  const whole = (count: number) => count.toLocaleString('en-US').replaceAll(',', ' ');
  for (const { mode, received, uninspected, dropped } of report.packets)
    lines.push(
      `${modeTitles[mode]}: ${whole(received)} packets inspected, ${whole(uninspected)} passed uninspected (queue full), ${whole(dropped)} dropped (should be those of the planted attacks).`,
    );
  return lines;
}

export function textReport(report: Report): string {
  const parts = workloadTables(report.rows).map(({ title, cells }) => `${title}\n${aligned(cells)}`);
  const single = singleFigures(report);
  if (single.length > 0) parts.push(aligned(single, 4));
  parts.push(circumstances(report).join('\n'));
  return parts.join('\n\n');
}

export function markdownReport(report: Report): string {
  const parts = [
    circumstances(report)
      .map((line) => `${line}\n`)
      .join(''),
  ];
  for (const { title, cells } of workloadTables(report.rows))
    parts.push(`**${title}**\n\n${markdown(cells)}\n`);
  const single = singleFigures(report);
  if (single.length > 0) parts.push(`**Others**\n\n${markdown(single)}\n`);
  return parts.join('\n');
}

const NUMERIC_COLUMNS = 8;

/** @param textColumns how many columns from the left are text; by default the first. */
export function aligned(cells: readonly (readonly string[])[], textColumns = 1): string {
  const widths = columnWidths(cells);
  return cells
    .map((row) =>
      row
        .map((text, column) => {
          const width = widths[column] as number;
          return column < textColumns || column >= NUMERIC_COLUMNS
            ? text.padEnd(width)
            : text.padStart(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `  ${line}`)
    .join('\n');
}

/** Padded as the formatter wants it. */
export function markdown(cells: readonly (readonly string[])[]): string {
  const widths = columnWidths(cells).map((width) => Math.max(3, width));
  const line = (row: readonly string[]) =>
    `| ${row.map((text, column) => text.padEnd(widths[column] as number)).join(' | ')} |`;
  const [head, ...rows] = cells as [string[], ...string[][]];
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function columnWidths(cells: readonly (readonly string[])[]): number[] {
  return (cells[0] as string[]).map((_, column) =>
    Math.max(...cells.map((row) => (row[column] as string).length)),
  );
}

export const BEGIN_MARK = '<!-- bench: written by npm run bench -- --write; do not edit by hand -->';
export const END_MARK = '<!-- bench: end -->';

/** Puts text between the marks of a page. @throws where the marks are missing */
export function betweenMarks(page: string, text: string): string {
  const begin = page.indexOf(BEGIN_MARK);
  const end = page.indexOf(END_MARK);
  if (begin < 0 || end < begin) throw new Error(`the page has no '${BEGIN_MARK}' and '${END_MARK}'`);
  return `${page.slice(0, begin + BEGIN_MARK.length)}\n\n${text.trim()}\n\n${page.slice(end)}`;
}
