import { createServer } from 'node:net';
import type { SyslogFormat } from '../src/syslog/message';

export const SYSLOG_FORMAT: SyslogFormat = {
  format: 'json',
  facility: 'local3',
  appName: 'portcullis',
  hostname: 'gateway',
  version: '1',
  longest: 8192,
};

/** A port of 127.0.0.1 that nobody has at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
