import { setTimeout as pause } from 'node:timers/promises';
import type { BanListAnswer, StatusAnswer } from '@portcullis/control';
import { type EveRecord, FileFollower, lastLines, parseRecord } from '@portcullis/events';
import { eveFile } from '../eve-file';
import { ask, type ConfigOptions, isUnreachable } from '../options';
import { printJson, printLine } from '../print';
import { type Sample, topView } from '../top-view';

export interface TopOptions extends ConfigOptions {
  json?: boolean;
  interval: number;
  count?: number;
}

const KEPT_EVENTS = 100;
const SHOWN_BANS = 20;
const AWAY = 'The engine cannot be reached; waiting for it …';

/** What a terminal does for a program that has the whole screen for itself (ECMA-48, xterm's alternate screen). */
const TAKE_SCREEN = '\x1b[?1049h\x1b[?25l';
const GIVE_SCREEN_BACK = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** The newest events, in front; reads on where it stopped. */
class NewestEvents {
  readonly records: EveRecord[] = [];
  private readonly follower: FileFollower;
  private started = false;

  constructor(private readonly path: string) {
    this.follower = new FileFollower(path);
  }

  async refresh(): Promise<void> {
    const lines = this.started
      ? await this.follower.readMore()
      : await lastLines(this.path, KEPT_EVENTS, this.follower).catch(() => []);
    this.started = true;
    for (const line of lines) {
      const record = parseRecord(line);
      if (record) this.records.unshift(record);
    }
    this.records.length = Math.min(this.records.length, KEPT_EVENTS);
  }

  close(): Promise<void> {
    return this.follower.close();
  }
}

/** Ends with Ctrl-C, `q`, or the signals that end programs. */
function untilEnded(keys: boolean): { signal: AbortSignal; release(): void } {
  const ended = new AbortController();
  const stop = () => ended.abort();
  const onKey = (key: Buffer) => {
    if (key.includes('q') || key.includes(0x03)) stop();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  if (keys) {
    process.stdin.setRawMode(true);
    process.stdin.on('data', onKey);
  }
  const release = () => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    if (!keys) return;
    process.stdin.off('data', onKey);
    process.stdin.setRawMode(false);
    process.stdin.pause();
  };
  return { signal: ended.signal, release };
}

async function look(options: ConfigOptions): Promise<Sample> {
  const status = await ask<StatusAnswer>(options, 'status');
  const { bans } = await ask<BanListAnswer>(options, 'bans.list', { limit: SHOWN_BANS });
  return { at: Date.now(), status, bans };
}

export async function top(options: TopOptions): Promise<void> {
  const screen = Boolean(process.stdout.isTTY) && !options.json;
  const events = new NewestEvents(eveFile(options));
  const { signal, release } = untilEnded(screen && Boolean(process.stdin.isTTY));
  if (screen) process.stdout.write(TAKE_SCREEN);
  try {
    let before: Sample | null = null;
    for (let shown = 1; !signal.aborted; shown++) {
      // An engine that was there and is being restarted is waited for.
      const now = await look(options).catch((error) =>
        before === null || !isUnreachable(error) ? Promise.reject(error) : null,
      );
      if (options.json) {
        if (now !== null) printJson({ time: new Date(now.at).toISOString(), ...now.status });
      } else {
        await events.refresh();
        const { columns: width = 100, rows: height = 40 } = process.stdout;
        const lines = now === null ? [AWAY] : topView({ now, before, events: events.records, width, height });
        if (screen)
          process.stdout.write(`${HOME}${lines.join(`${CLEAR_LINE_END}\n`)}${CLEAR_LINE_END}${CLEAR_BELOW}`);
        else printLine(lines.join('\n'));
      }
      before = now ?? before;
      if (shown === options.count) break;
      await pause(options.interval * 1000, undefined, { signal }).catch(() => {});
    }
  } finally {
    if (screen) process.stdout.write(GIVE_SCREEN_BACK);
    release();
    await events.close();
  }
}
