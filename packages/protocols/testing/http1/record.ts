/** For tests: conversations of HTTP/1. */

import { createHttp1, type Http1Settings } from '../../src/http1/definition';
import { type Piece, type Recorder, record as recordWith } from '../recorder';

const shared = new Map<string, ReturnType<typeof createHttp1>>();

/** Runs a conversation through a new parser and closes both directions. */
export function record(pieces: Iterable<Piece>, settings: Http1Settings = {}): Recorder {
  const key = JSON.stringify(settings);
  let definition = shared.get(key);
  if (definition === undefined) {
    definition = createHttp1(settings);
    shared.set(key, definition);
  }
  return recordWith(definition, pieces);
}
