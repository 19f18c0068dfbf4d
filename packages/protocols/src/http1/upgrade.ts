/** Which protocol follows a 101 response (RFC 9110 section 15.2.2). */

import { ascii, equalsLower } from './characters';
import { Field } from './field-names';
import * as table from './field-table';
import type { Head } from './head';

// Bound once: an import is a property load at each use in CommonJS.
const { ROW, VALUE_END, VALUE_START } = table;

const SUCCESSORS: readonly (readonly [Uint8Array, string])[] = [
  [ascii('websocket'), 'websocket'],
  [ascii('h2c'), 'http2'],
];

/** @returns name of the protocol that the response's Upgrade names; null where it is one that is not known */
export function successor(head: Head): string | null {
  const index = head.firstOf[Field.UPGRADE];
  if (index < 0) return null;
  const { bytes, base, rows } = head;
  const start = base + rows[index * ROW + VALUE_START];
  const end = base + rows[index * ROW + VALUE_END];
  for (const [name, protocol] of SUCCESSORS) if (equalsLower(bytes, start, end, name)) return protocol;
  return null;
}
