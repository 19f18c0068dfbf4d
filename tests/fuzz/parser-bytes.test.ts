/**
 * `app-layer.memcap` goes by what protocols say that a parser takes by itself, and by what parsers say that they hold: together
 * that is what a parser takes with the conversations that fuzzing begins with.
 */
import { createProtocols, Transport } from '@portcullis/protocols';
import { bytesOfEach } from '@portcullis/testkit';
import { ownConversations, protocolKey } from './conversations';
import { decodeRecords } from './records';

const PARSERS = 400;
/** Beside twice what was counted: what allocators round up. */
const ROUNDED = 300;

const listener = {
  onProgress: () => {},
  onTransactionEnd: () => {},
  onEvent: () => {},
  onUpgrade: () => {},
  onExpectation: () => {},
};
const known = ownConversations();
const { TCP } = Transport;

test.each(
  createProtocols().flatMap((definition) =>
    definition.transports.map(
      (transport) => [protocolKey(definition.name, transport), definition, transport] as const,
    ),
  ),
)('%s', (key, definition, transport) => {
  const own = transport === TCP ? definition.parserBytes.tcp : definition.parserBytes.udp;
  expect(own).toBeGreaterThan(0);
  // None: what it takes before the first byte.
  const records = decodeRecords(known.get(key)?.[0] ?? new Uint8Array(0));
  const talk = () => {
    const parser = definition.create(listener, transport);
    for (const { kind, bytes } of records) parser.feed((kind & 1) as 0 | 1, bytes.slice(), 0, bytes.length);
    return parser;
  };
  const counted = talk().heldBytes() + (own as number);
  const least = counted / 5 - ROUNDED;
  const most = 2 * counted + ROUNDED;
  const each = bytesOfEach(PARSERS, talk, least, most);
  expect(each).toBeGreaterThanOrEqual(least);
  expect(each).toBeLessThanOrEqual(most);
});
