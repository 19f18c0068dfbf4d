import { createConnection, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { StreamTransport } from '../delivery/stream-transport';
import type { EveRecord } from '../record';
import { octetCounted, type SyslogFormat, syslogMessage } from './message';

export interface SyslogServer {
  host: string;
  port: number;
}

/** How a TLS server proves who it is. */
export interface TlsTrust {
  /** Certificates of authorities, PEM; null: those the system trusts. */
  ca: string | null;
  /** False: any certificate will do. */
  verify: boolean;
}

/** RFC 5424 over TCP with octet counting (RFC 6587), or over TLS (RFC 5425). */
export function syslogStreamTransport(
  { host, port }: SyslogServer,
  trust: TlsTrust | null,
  format: SyslogFormat,
): StreamTransport {
  return new StreamTransport({
    name: `syslog ${trust ? 'tls' : 'tcp'}://${host}:${port}`,
    connect: () =>
      trust
        ? connectTls({
            host,
            port,
            rejectUnauthorized: trust.verify,
            ...(isIP(host) === 0 && { servername: host }),
            ...(trust.ca !== null && { ca: trust.ca }),
          })
        : createConnection({ host, port }),
    render: (line, sequence) => octetCounted(syslogMessage(JSON.parse(line) as EveRecord, sequence, format)),
  });
}
