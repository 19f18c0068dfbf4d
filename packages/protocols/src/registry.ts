/** The protocols there are. A new one is a folder beside `http1/` and a line here. */

import { createDcerpc } from './dcerpc/definition';
import { createDhcp } from './dhcp/definition';
import { createDnp3 } from './dnp3/definition';
import { createDns, type DnsSettings } from './dns/definition';
import { createEnip } from './enip/definition';
import type { FilePolicy } from './files/policy';
import { createFtp, type FtpSettings } from './ftp/definition';
import { createFtpData } from './ftp-data/definition';
import { createHttp1, type Http1Settings } from './http1/definition';
import { createDoh2, createHttp2 } from './http2/definition';
import { createIke } from './ike/definition';
import { createImap } from './imap/definition';
import { createKrb5 } from './krb5/definition';
import { createLdap } from './ldap/definition';
import { createLlmnr } from './llmnr/definition';
import { createMdns } from './mdns/definition';
import { createModbus } from './modbus/definition';
import { createMqtt } from './mqtt/definition';
import { createNamedOnly } from './named-only';
import { createNfs } from './nfs/definition';
import { createNtp } from './ntp/definition';
import { createPgsql } from './pgsql/definition';
import { createPop3 } from './pop3/definition';
import { createQuic } from './quic/definition';
import { createRdp } from './rdp/definition';
import { createRfb } from './rfb/definition';
import { createSip } from './sip/definition';
import { createSmb } from './smb/definition';
import { createSmtp, type SmtpSettings } from './smtp/definition';
import { createSnmp } from './snmp/definition';
import { createSsh } from './ssh/definition';
import { createTelnet } from './telnet/definition';
import { createTls } from './tls/definition';
import type { BufferDefinition, ProtocolDefinition } from './transaction';
import { createWebsocket } from './websocket/definition';

export interface ProtocolSettings {
  /** Limits of bodies are those of HTTP/2 too. */
  readonly http?: Http1Settings;
  readonly dns?: DnsSettings;
  readonly smtp?: SmtpSettings;
  readonly ftp?: FtpSettings;
  /** How files are held and which hashes are computed, for all protocols with files; default `DEFAULT_FILE_POLICY`. */
  readonly files?: FilePolicy;
}

/** The protocol definitions of one worker: they share no memory with those of another. */
export function createProtocols(settings: ProtocolSettings = {}): readonly ProtocolDefinition[] {
  return [
    // Before HTTP/1, which would take its first line for a request.
    createHttp2(settings.http?.limits),
    createDoh2(settings.http?.limits),
    createHttp1(settings.http, settings.files),
    createWebsocket(),
    createTls(),
    createQuic(),
    createSsh(),
    createRfb(),
    createRdp(),
    createIke(),
    createDns(settings.dns),
    createMdns(),
    createLlmnr(),
    createModbus(),
    createEnip(),
    createDnp3(),
    createKrb5(),
    createSnmp(),
    createLdap(),
    createNtp(),
    createDhcp(),
    createSip(),
    createMqtt(),
    createSmb(settings.files),
    createDcerpc(),
    createNfs(settings.files),
    createSmtp(settings.smtp, settings.files),
    createFtp(settings.ftp),
    createFtpData(settings.files),
    createPop3(),
    createImap(),
    createTelnet(),
    createPgsql(),
    ...createNamedOnly(),
  ];
}

/** The buffer tables of some protocols as one list. Throws where two buffers have one number. */
export function allBuffers(protocols: readonly ProtocolDefinition[]): readonly BufferDefinition[] {
  const buffers = protocols.flatMap((protocol) => protocol.buffers);
  const names = new Map<number, string>();
  for (const { id, name, protocol } of buffers) {
    const other = names.get(id);
    if (other !== undefined)
      throw new Error(`buffer number ${id} is given to ${protocol}/${name} and to ${other}`);
    names.set(id, `${protocol}/${name}`);
  }
  return buffers;
}
