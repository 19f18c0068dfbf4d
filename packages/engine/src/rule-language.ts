import { CONTENT_MODIFIERS, keywordNames, REFUSED_KEYWORDS, STICKY_ALIASES } from '@portcullis/matcher';
import { createProtocols, Transport } from '@portcullis/protocols';
import { RULE_PROTOCOLS } from '@portcullis/rules';

/** A buffer that rules can look at. */
export interface LanguageBuffer {
  name: string;
  directions: ('to_server' | 'to_client')[];
  kind: 'bytes' | 'number';
  /** Names that stand for numbers. */
  values: string[];
  /** May occur several times in one transaction. */
  multiple: boolean;
  /** Is inspected while it grows. */
  streaming: boolean;
}

/** The rule language as this version has it, read from the code that implements it. */
export interface RuleLanguage {
  /** What a rule header may name. */
  headers: string[];
  /** Keywords that are no buffers. */
  keywords: string[];
  /** Keywords that are known and refused, and why. */
  refused: Record<string, string>;
  /** Other names of buffers: written before contents, and (old form) behind them. */
  aliases: Record<string, string>;
  modifiers: Record<string, string>;
  protocols: { name: string; transports: ('tcp' | 'udp')[]; buffers: LanguageBuffer[]; events: string[] }[];
}

export function ruleLanguage(): RuleLanguage {
  return {
    headers: [...RULE_PROTOCOLS.keys()].sort(),
    keywords: keywordNames()
      .filter((name) => !REFUSED_KEYWORDS.has(name))
      .sort(),
    refused: Object.fromEntries(REFUSED_KEYWORDS),
    aliases: Object.fromEntries(STICKY_ALIASES),
    modifiers: Object.fromEntries(CONTENT_MODIFIERS),
    protocols: createProtocols().map(({ name, transports, buffers, events }) => ({
      name,
      transports: transports.map((transport) => (transport === Transport.TCP ? 'tcp' : 'udp')),
      buffers: buffers.map(({ name: buffer, directions, integer, multiple, streaming, frame }) => ({
        name: buffer,
        directions: directions.map((direction) => (direction === 0 ? 'to_server' : 'to_client')),
        kind: integer ? 'number' : 'bytes',
        values: [...(integer?.names?.keys() ?? [])],
        multiple,
        streaming: frame === undefined ? streaming : frame === 'growing',
      })),
      events: events.map((event) => event.toLowerCase()).sort(),
    })),
  };
}
