import type { CompiledRule, CompiledRuleSet } from '@portcullis/matcher';
import type { Rule } from '@portcullis/rules';

const TO_CLIENT = 1;
const REPLIES = 1 << TO_CLIENT;
/** TransportBit.TCP of the matcher. */
const OVER_TCP = 1;

/**
 * Protocols of which one side can be understood without the other. Of most the parser has to know what was answered:
 * whether a request has changed the protocol (HTTP, SMTP), how later ones are compressed (HTTP/2), where data will come
 * from (FTP).
 */
const ONE_SIDED_PROTOCOLS: ReadonlySet<string> = new Set(['tls']);

/** Words of rules that count what both sides have sent, or ask what was found out from both. */
const ASKS_BOTH_SIDES =
  /\b(?:stream_size|stream-event|app-layer-protocol|flow\.(?:pkts|bytes)\w*|flow\.age)\b/;

/**
 * Whether a rule looks at what services answer over TCP; if none does, that payload need not be inspected.
 * @param loaded the rules that `ruleset` was made of
 */
export function looksAtReplyPayload({ rules, needs }: CompiledRuleSet, loaded: readonly Rule[]): boolean {
  for (const protocol of needs.protocols) if (!ONE_SIDED_PROTOCOLS.has(protocol)) return true;
  if (loaded.some(({ text }) => ASKS_BOTH_SIDES.test(text))) return true;
  for (let number = 0; number < rules.length; number++) if (looksAtReplies(rules.get(number))) return true;
  return false;
}

function looksAtReplies(rule: CompiledRule): boolean {
  if ((rule.transports & OVER_TCP) === 0) return false;
  if (rule.appLayerEvent !== null || rule.twoWay) return true;
  if ((rule.directions & REPLIES) === 0) return false;
  // Without a direction of its own a rule looks where its buffers are.
  const { buffers, appProtocols } = rule;
  if (buffers === null) return true;
  return buffers.every(({ slot }) => {
    const { kinds } = slot;
    for (let at = TO_CLIENT; at < kinds.length; at += 2) {
      // Frames stand behind the buffers of all protocols.
      const protocol = (at % (kinds.length / 2)) >> 1;
      const named = appProtocols === null || appProtocols[protocol] === 1;
      if (named && (kinds[at] as number) >= 0) return true;
    }
    return false;
  });
}
