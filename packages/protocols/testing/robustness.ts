/** For tests of stream protocols: a conversation means the same wherever it is cut, and nothing it becomes throws. */

import { type ProtocolDefinition, Transport } from '../src/transaction';
import { Random, testSeed } from './random';
import { feedAll, framesOf, type Piece, Recorder, record, split } from './recorder';

/** Bytes that a parser may hold for one flow in these tests. */
const MOST_HELD = 4 << 20;

/** Compares the conversation in one piece per message with every single cut and with random ones. */
export function expectSameWhereverCut(definition: ProtocolDefinition, pieces: readonly Piece[]): void {
  const whole = record(definition, pieces).summary();
  const wholeText = JSON.stringify(whole);
  const wholeFrames = JSON.stringify(framesOf(definition, pieces));
  const seed = testSeed();
  const random = new Random(seed);
  let tries = 0;
  const same = (cut: readonly Piece[], how: string) => {
    try {
      // What frames see is held apart, so that it is looked at both with them and without.
      if (++tries % 2 === 0 && definition.frames) {
        const frames = framesOf(definition, cut);
        if (JSON.stringify(frames) !== wholeFrames) expect(frames).toEqual(JSON.parse(wholeFrames));
        return;
      }
      const summary = record(definition, cut).summary();
      if (JSON.stringify(summary) !== wholeText) expect(summary).toEqual(whole);
    } catch (error) {
      throw new Error(`SEED=${seed} ${how}: ${(error as Error).message}`);
    }
  };
  const bytes = pieces.reduce((sum, [, piece]) => sum + piece.length, 0);
  const step = Math.max(1, Math.floor(bytes / 40));
  pieces.forEach(([direction, piece], place) => {
    for (let at = 1 + random.next(step); at < piece.length; at += step) {
      const halves: Piece[] = [
        [direction, piece.subarray(0, at)],
        [direction, piece.subarray(at)],
      ];
      same([...pieces.slice(0, place), ...halves, ...pieces.slice(place + 1)], `piece ${place} cut at ${at}`);
    }
  });
  for (const largest of bytes < 2500 ? [1, 3, 40, 2000] : [30, 300, 2000])
    same(split(pieces, random, largest), `pieces of at most ${largest}`);
}

/** Changes, drops, doubles and cuts bytes at random: the parser must neither throw nor hold without bound. */
export function expectNothingThrown(
  definition: ProtocolDefinition,
  pieces: readonly Piece[],
  rounds: number,
  transport: Transport = Transport.TCP,
): void {
  const seed = testSeed();
  const random = new Random(seed);
  const recorder = new Recorder(definition.buffers);
  const parser = definition.create(recorder, transport);
  for (let round = 0; round < rounds; round++) {
    definition.frames?.want(new Set(round % 2 === 0 ? [] : definition.frames.buffers.map(({ id }) => id)));
    try {
      for (const [direction, piece] of transport === Transport.TCP ? split(pieces, random, 300) : pieces) {
        const changed = mutate(piece, random);
        feedAll(parser, [[direction, changed]]);
        if (random.next(40) === 0) parser.gap(direction, 1 + random.next(200));
        if (parser.heldBytes() > MOST_HELD) throw new Error(`holds ${parser.heldBytes()} bytes`);
      }
      parser.close(0);
      parser.close(1);
      if (parser.heldBytes() !== 0) throw new Error(`holds ${parser.heldBytes()} bytes when closed`);
      parser.reset();
    } catch (error) {
      throw new Error(`SEED=${seed} round ${round}: ${(error as Error).stack}`);
    }
  }
  definition.frames?.want(new Set());
}

function mutate(piece: Buffer, random: Random): Buffer {
  const kind = random.next(6);
  if (piece.length === 0 || kind === 0) return piece;
  const at = random.next(piece.length);
  if (kind === 1) return piece.subarray(0, at);
  if (kind === 2) return Buffer.concat([piece.subarray(0, at), piece.subarray(at + 1)]);
  if (kind === 3) return Buffer.concat([piece.subarray(0, at), piece]);
  const changed = Buffer.from(piece);
  for (let i = 0; i < kind - 2; i++) {
    changed[random.next(piece.length)] = random.pick([0, 0xff, 0x7f, 0x80, random.next(256)]);
  }
  return changed;
}
