/** A real rsyslog as a receiver of syslog over TCP. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from './lab/wait-until';

const RSYSLOGD = '/usr/sbin/rsyslogd';

/** A message as rsyslog understood it. */
export interface SyslogRow {
  readonly hostname: string;
  readonly appName: string;
  readonly messageId: string;
  /** `local3.crit` */
  readonly priority: string;
  /** RFC 3339, in UTC. */
  readonly timestamp: string;
  readonly structuredData: string;
  readonly message: string;
}

/** Starts a program. @returns what ends it */
export type Launch = (argv: readonly [string, ...string[]]) => { stop(): Promise<unknown> };

const launchHere: Launch = ([program, ...args]) => {
  const child = spawn(program, args, { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return {
    stop: () => {
      child.kill();
      return ended;
    },
  };
};

/** TCP on the loopback addresses and one file, from a configuration of its own; it can go away and come back. */
export class Rsyslog {
  private running: { stop(): Promise<unknown> } | null = null;
  private readonly output: string;
  private readonly pid: string;

  /** Why there can be none, or null. */
  static missing(): string | null {
    return existsSync(RSYSLOGD) ? null : `${RSYSLOGD} is not installed`;
  }

  /** @param directory its own; the caller removes it */
  constructor(
    private readonly directory: string,
    port: number,
    private readonly launch: Launch = launchHere,
  ) {
    this.output = join(directory, 'received');
    this.pid = join(directory, 'pid');
    writeFileSync(
      join(directory, 'rsyslog.conf'),
      `global(workDirectory="${directory}")
main_queue(queue.workerThreads="1")
module(load="imtcp")
input(type="imtcp" port="${port}" address="127.0.0.1")
input(type="imtcp" port="${port}" address="::1")
template(name="fields" type="list") {
  property(name="hostname") constant(value="\\t")
  property(name="app-name") constant(value="\\t")
  property(name="msgid") constant(value="\\t")
  property(name="syslogfacility-text") constant(value=".") property(name="syslogseverity-text")
  constant(value="\\t") property(name="timestamp" dateFormat="rfc3339" date.inUTC="on")
  constant(value="\\t") property(name="structured-data")
  constant(value="\\t") property(name="msg") constant(value="\\n")
}
action(type="omfile" file="${this.output}" template="fields")
`,
    );
  }

  async start(): Promise<void> {
    this.running = this.launch([RSYSLOGD, '-n', '-f', join(this.directory, 'rsyslog.conf'), '-i', this.pid]);
    await waitUntil(() => existsSync(this.pid), { what: 'rsyslog' });
  }

  async stop(): Promise<void> {
    await this.running?.stop();
    this.running = null;
  }

  get rows(): SyslogRow[] {
    if (!existsSync(this.output)) return [];
    const lines = readFileSync(this.output, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => {
      const [hostname, appName, messageId, priority, timestamp, structuredData, message] = line.split('\t');
      return { hostname, appName, messageId, priority, timestamp, structuredData, message } as SyslogRow;
    });
  }
}
