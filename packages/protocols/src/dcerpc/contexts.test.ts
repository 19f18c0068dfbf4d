import { Contexts } from './contexts';
import type { PduHeader } from './pdu';

const header = { little: true, flags: 3 } as PduHeader;
/** As many as a bind can hold. */
const MOST = 255;

test('of very many interfaces that a client proposes the last is known, too', () => {
  const bind = Buffer.alloc(28 + MOST * 24);
  const ack = Buffer.alloc(16 + 8 + 4 + 4 + MOST * 24);
  bind[24] = MOST;
  ack[28] = MOST;
  for (let i = 0; i < MOST; i++) {
    bind.writeUInt16LE(i, 28 + i * 24);
    bind[28 + i * 24 + 4] = i;
    // The server knows the last only.
    ack.writeUInt16LE(i === MOST - 1 ? 0 : 2, 32 + i * 24);
  }
  const contexts = new Contexts();
  expect(contexts.propose(header, bind, 0, bind.length)).toBe(true);
  expect(contexts.accept(header, ack, 0, ack.length)).toBe(true);
  // The first part of a UUID is a number.
  expect(contexts.rows(MOST - 1)[3]).toBe(MOST - 1);
  expect(contexts.rows(0)).toHaveLength(0);
});
