import type { BanRow, StatusAnswer } from '@portcullis/control';
import type { EveRecord } from '@portcullis/events';
import { eventLine } from './event-line';
import { colour, formatBits, formatBytes, formatCount, formatDuration } from './print';
import { terminalSafe } from './terminal-safe';

/** What is known at one moment. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly status: StatusAnswer;
  readonly bans: readonly BanRow[];
}

/** What is shown of two moments. */
export interface Scene {
  readonly now: Sample;
  /** Null for the first look: then there are no rates. */
  readonly before: Sample | null;
  /** The newest in front. */
  readonly events: readonly EveRecord[];
  /** Of the terminal, in characters. */
  readonly width: number;
  readonly height: number;
}

/** Per second, between two moments. Counters start anew with the engine: then there is no rate yet. */
function rate({ now, before }: Scene, read: (status: StatusAnswer) => number): number | null {
  if (before === null || now.at <= before.at) return null;
  const more = read(now.status) - read(before.status);
  return more < 0 ? null : (more * 1000) / (now.at - before.at);
}

const perSecond = (value: number | null) => (value === null ? '–' : `${formatCount(Math.round(value))}/s`);

/** Cuts to the width, in characters as they stand in a terminal without colours. */
function cut(line: string, width: number): string {
  const characters = [...line];
  return characters.length <= width ? line : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** The lines of the live view, as many as fit. */
export function topView(scene: Scene): string[] {
  const { now, events, width, height } = scene;
  const { status, bans } = now;
  const state = `Portcullis ${status.version}: ${status.state}, ${status.mode} mode, up ${formatDuration(status.uptime_s)}`;
  const clock = new Date(now.at).toTimeString().slice(0, 8);
  const bytes = rate(scene, ({ packets }) => packets.bytes);
  const waiting = status.queues.reduce((sum, queue) => sum + queue.waiting, 0);
  const room = status.queues.reduce((sum, queue) => sum + queue.length, 0);
  const lines = [
    cut(`${state.padEnd(Math.max(0, width - clock.length - 1))} ${clock}`, width),
    '',
    cut(
      `Traffic  ${perSecond(rate(scene, ({ packets }) => packets.received))} packets, ${bytes === null ? '–' : `${formatBits(bytes * 8)}/s`}; dropped ${perSecond(rate(scene, ({ packets }) => packets.dropped))}, uninspected ${perSecond(rate(scene, ({ packets }) => packets.uninspected))}`,
      width,
    ),
    cut(
      `Flows    ${formatCount(status.flows)}, ${formatBytes(status.held_bytes)} of streams held; queues ${formatCount(waiting)} of ${formatCount(room)}`,
      width,
    ),
    cut(
      `Alerts   ${formatCount(status.alerts.blocked)} blocked, ${formatCount(status.alerts.allowed)} allowed; ${perSecond(rate(scene, ({ alerts }) => alerts.blocked + alerts.allowed))}`,
      width,
    ),
    cut(
      `Bans     ${formatCount(status.bans.active)} in force; kept out ${perSecond(rate(scene, (answer) => answer.bans.dropped_packets))} packets, ${formatCount(status.bans.dropped_packets)} in all`,
      width,
    ),
  ].map((line, index) => (index === 0 ? colour.bold(line) : line));
  const left = Math.max(0, height - lines.length);
  // A third for the bans at most; the events take what is left.
  const banRows = bans.slice(0, Math.max(0, Math.min(bans.length, Math.floor(left / 3) - 2)));
  if (banRows.length > 0)
    lines.push('', colour.bold(cut('BLOCKED', width)), ...banRows.map((ban) => cut(banLine(ban), width)));
  const eventRows = events.slice(0, Math.max(0, height - lines.length - 2));
  if (eventRows.length > 0)
    lines.push(
      '',
      colour.bold(cut('EVENTS', width)),
      ...eventRows.map((event) => cut(eventLine(event), width)),
    );
  return lines.slice(0, height);
}

function banLine({ prefix, remaining_s, packets, reason }: BanRow): string {
  return terminalSafe(
    `${prefix.padEnd(20)} ${formatDuration(remaining_s).padStart(8)} left  ${(packets === null ? '–' : formatCount(packets)).padStart(9)} packets  ${reason}`,
  );
}
