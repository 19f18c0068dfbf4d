import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Configuration, ConfigurationError, eveFilePath } from '@portcullis/configuration';
import {
  DatagramSyslogSink,
  type EventSink,
  eventTypes,
  FanOutSink,
  FileSink,
  LocalSyslogSink,
  type Outlet,
  Spool,
  SpooledSink,
  type SyslogFormat,
  type SyslogServer,
  syslogStreamTransport,
  type Transport,
  unixSocketTransport,
  WebhookTransport,
  webhookKey,
} from '@portcullis/events';
import { engineEvent } from './engine-event';
import type { Logger } from './logger';

type Outputs = Configuration['outputs'];

/** Longest certificate or secret file, in bytes. */
const LONGEST_FILE = 1024 * 1024;

/**
 * Opens the EVE file and every other place that events go to. A receiver that is not there is no error: it is tried
 * again for as long as the engine runs.
 * @throws ConfigurationError where a file that is named cannot be read; errors of the EVE file and of the spool
 */
export async function openOutputs(
  configuration: Configuration,
  context: { log: Logger; version: string },
): Promise<FanOutSink> {
  const { outputs } = configuration;
  const opening = new Opening(configuration, context);
  try {
    const eve = await opening.eve();
    return opening.opened([
      eve,
      ...(outputs.socket ? [await opening.socket(outputs.socket)] : []),
      ...(outputs.syslog ? [await opening.syslog(outputs.syslog)] : []),
      ...(outputs.webhook ? [await opening.webhook(outputs.webhook)] : []),
    ]);
  } catch (error) {
    await opening.undo();
    throw error;
  }
}

class Opening {
  private readonly sinks: EventSink[] = [];
  private all: FanOutSink | null = null;

  constructor(
    private readonly configuration: Configuration,
    private readonly context: { log: Logger; version: string },
  ) {}

  opened(outlets: [Outlet, ...Outlet[]]): FanOutSink {
    this.all = new FanOutSink(outlets);
    return this.all;
  }

  async undo(): Promise<void> {
    for (const sink of this.sinks) await sink.close();
  }

  async eve(): Promise<Outlet> {
    const sink = await new FileSink(eveFilePath(this.configuration), { onState: this.onState }).start();
    return this.outlet('eve', sink, eventTypes);
  }

  socket({ path, events }: NonNullable<Outputs['socket']>): Promise<Outlet> {
    return this.spooled('socket', unixSocketTransport(path), events);
  }

  async syslog(wanted: NonNullable<Outputs['syslog']>): Promise<Outlet> {
    const format: SyslogFormat = {
      format: wanted.format,
      facility: wanted.facility,
      appName: wanted['app-name'],
      hostname: wanted.hostname ?? hostname(),
      version: this.context.version,
      longest: wanted['max-size'],
    };
    const { transport, events, onState } = { ...wanted, onState: this.onState };
    if (transport === 'local') {
      const { socket } = wanted;
      const sink = new LocalSyslogSink(format, { onState, ...(socket !== undefined && { socket }) });
      return this.outlet('syslog', sink, events);
    }
    const server = serverOf(wanted.address as string);
    if (transport === 'udp')
      return this.outlet('syslog', new DatagramSyslogSink(server, format, { onState }), events);
    const ca = readNamedFile('outputs.syslog.ca', wanted.ca);
    const trust = transport === 'tls' ? { ca, verify: wanted.verify } : null;
    return this.spooled('syslog', syslogStreamTransport(server, trust, format), events);
  }

  webhook(wanted: NonNullable<Outputs['webhook']>): Promise<Outlet> {
    const { url, verify, headers, format, timeout, batch, events } = wanted;
    const secret = readNamedFile('outputs.webhook.secret-file', wanted['secret-file']);
    const transport = new WebhookTransport({
      url,
      verify,
      headers,
      format,
      ca: readNamedFile('outputs.webhook.ca', wanted.ca),
      key: secret === null ? null : webhookKey(secret),
      timeoutMilliseconds: timeout * 1000,
    });
    return this.spooled('webhook', transport, events, batch);
  }

  private async spooled(
    name: string,
    transport: Transport,
    events: Outlet['events'],
    batch?: number,
  ): Promise<Outlet> {
    const { directory, size } = this.configuration.outputs.spool;
    const spool = await Spool.open({
      directory: join(directory ?? join(this.configuration['state-dir'], 'spool'), name),
      size,
      onState: this.onState,
      onFull: (records) => this.spoolFull(transport.name, size, records),
    });
    if (spool.backlog > 0)
      this.context.log.info(`${spool.backlog} events of an earlier run go to ${transport.name} first`);
    const options = { onState: this.onState, ...(batch !== undefined && { batch }) };
    return this.outlet(name, new SpooledSink(spool, transport, options), events);
  }

  private outlet(name: string, sink: EventSink, events: Outlet['events']): Outlet {
    this.sinks.push(sink);
    return { name, sink, events };
  }

  private spoolFull(receiver: string, size: number, records: number): void {
    const message = `the spool for ${receiver} is full (${size} bytes): the oldest events go, ${records} so far`;
    this.context.log.error(message);
    this.all?.write(engineEvent('SPOOL_FULL', message));
  }

  private readonly onState = (failed: boolean, message: string): void => {
    if (failed) this.context.log.error(message);
    else this.context.log.info(message);
  };
}

/** `host:514`, `[2001:db8::1]:514` */
function serverOf(address: string): SyslogServer {
  const colon = address.lastIndexOf(':');
  return {
    host: address.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(address.slice(colon + 1)),
  };
}

function readNamedFile(key: string, path: string | undefined): string | null {
  if (path === undefined) return null;
  const refuse = (message: string): never => {
    throw new ConfigurationError('configuration', [{ key, message, line: 0 }]);
  };
  try {
    const text = readFileSync(path, 'utf8');
    if (text.trim() === '' || text.length > LONGEST_FILE) return refuse(`${path} is empty or too long`);
    return text;
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    return refuse((error as Error).message);
  }
}
