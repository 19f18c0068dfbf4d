/** The protocols there are. A new one is a folder beside `http1/` and a line here. */

import { createDcerpc } from './dcerpc/definition';
import { createDns } from './dns/definition';
import { createEnip } from './enip/definition';
import type { FilePolicy } from './files/policy';
import { createHttp1, type Http1Settings } from './http1/definition';
import { createLlmnr } from './llmnr/definition';
import { createMdns } from './mdns/definition';
import { createModbus } from './modbus/definition';
import { createMqtt } from './mqtt/definition';
import { createSip } from './sip/definition';
import { createSmtp, type SmtpSettings } from './smtp/definition';
import { createTls } from './tls/definition';
import type { BufferDefinition, ProtocolDefinition } from './transaction';

export interface ProtocolSettings {
  readonly http?: Http1Settings;
  readonly smtp?: SmtpSettings;
  /** How files are held and which hashes are computed, for all protocols with files; default `DEFAULT_FILE_POLICY`. */
  readonly files?: FilePolicy;
}

/** The protocol definitions of one worker: they share no memory with those of another. */
export function createProtocols(settings: ProtocolSettings = {}): readonly ProtocolDefinition[] {
  return [
    createHttp1(settings.http),
    createTls(),
    createDns(),
    createMdns(),
    createLlmnr(),
    createModbus(),
    createEnip(),
    createSip(),
    createMqtt(),
    createDcerpc(),
    createSmtp(settings.smtp, settings.files),
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
