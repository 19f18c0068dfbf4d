/**
 * The states that a direction of a transaction goes through, by the names that rules have for them behind the protocol of
 * their header (hooks: `http1:request_line`) and in `app-layer-state`. A state is the parser's progress of that number.
 */

import type { BufferCatalog } from './buffer-catalog';
import { DirectionBit } from './rule-builder';

export interface ProtocolState {
  /** One of `DirectionBit`. */
  readonly direction: number;
  readonly progress: number;
  /** The protocol as rule headers name it. */
  readonly protocol: string;
}

const { TO_SERVER, TO_CLIENT } = DirectionBit;
/** States are bits of one number. */
export const LAST_STATE = 29;

type Names = readonly (readonly string[])[];

/** By direction, then by progress. */
const NAMED: ReadonlyMap<string, readonly [Names, Names]> = new Map([
  [
    'http1',
    [
      [
        ['request_started'],
        ['request_line'],
        ['request_headers'],
        ['request_body'],
        ['request_trailer'],
        ['request_complete'],
      ],
      [
        ['response_started'],
        ['response_line'],
        ['response_headers'],
        ['response_body'],
        ['response_trailer'],
        ['response_complete'],
      ],
    ],
  ],
  [
    'tls',
    [
      [
        ['client_in_progress'],
        ['client_hello_done'],
        ['client_cert_done'],
        ['client_handshake_done'],
        ['client_finished'],
      ],
      [
        ['server_in_progress'],
        ['server_hello'],
        ['server_cert_done'],
        // The end of the server's hellos cannot be told from that of its handshake.
        ['server_hello_done', 'server_handshake_done'],
        ['server_finished'],
      ],
    ],
  ],
  [
    'ssh',
    [
      [['request_in_progress', 'request_banner_wait_eol'], ['request_banner_done'], [], ['request_finished']],
      [
        ['response_in_progress', 'response_banner_wait_eol'],
        ['response_banner_done'],
        [],
        ['response_finished'],
      ],
    ],
  ],
]);
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['http', 'http1'],
  ['ssl', 'tls'],
]);

/** @returns undefined where the protocol has no state of that name */
export function protocolState(
  catalog: BufferCatalog,
  header: string,
  name: string,
): ProtocolState | undefined {
  const protocol = ALIASES.get(header) ?? header;
  const named = NAMED.get(protocol);
  if (named !== undefined) {
    for (const [i, direction] of [TO_SERVER, TO_CLIENT].entries()) {
      const progress = named[i].findIndex((names) => names.includes(name));
      if (progress >= 0) return { direction, progress, protocol };
    }
    return undefined;
  }
  const [number] = catalog.protocolsOf(protocol);
  if (number === undefined) return undefined;
  const last = (direction: 0 | 1) => catalog.lastProgress(number, direction);
  switch (name) {
    case 'request_started':
      return { direction: TO_SERVER, progress: 0, protocol };
    case 'request_complete':
      return { direction: TO_SERVER, progress: last(0), protocol };
    case 'response_started':
      return { direction: TO_CLIENT, progress: 0, protocol };
    case 'response_complete':
      return { direction: TO_CLIENT, progress: last(1), protocol };
    default:
      return undefined;
  }
}
