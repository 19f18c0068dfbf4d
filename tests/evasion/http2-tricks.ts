/**
 * Evasions within HTTP/2, each a change of a request: how its fields are coded, how it is cut into frames, and what else the
 * connection carries. What it says is written by the tricks of HTTP/1.
 */
import {
  HpackForm,
  Http2Flag,
  Http2Type,
  hpackField,
  hpackReference,
  hpackSizeUpdate,
  http2Frame,
  type SeededRandom,
} from '@portcullis/testkit';
import type { Place } from './http-request';
import type { Message } from './http-trial';
import { CODINGS, type HttpPlan, PLACES, plainly, requestOf, suits, WRITINGS } from './http-tricks';
import {
  type Field,
  framesOf,
  type Http2Request,
  http2Bytes,
  http2RequestOf,
  NOTHING,
  plainBlock,
} from './http2-request';

export interface Http2Trick {
  readonly name: string;
  /** Where the word may stand for this trick; all where it is left out. */
  readonly places?: readonly Place[];
  apply(request: Http2Request, random: SeededRandom): Http2Request;
}

const STATIC_FIELDS = 61;
const TABLE_SIZE = 4096;
/** Requests under way that are followed, but for a few of other tricks. */
const MOST_WAITING = 4000;
/** With END_HEADERS. */
const WHOLE = Http2Flag.END_HEADERS;

const many = (count: number, make: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));

/** As peers keep it: the newest entry first. */
class Table {
  entries: Field[] = [];
  size = TABLE_SIZE;

  add(field: Field): void {
    this.entries.unshift(field);
    this.trim();
  }

  resize(size: number): void {
    this.size = size;
    this.trim();
  }

  private trim(): void {
    const used = () => this.entries.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (used() > this.size) this.entries.pop();
  }
}

/** Harmless requests before it fill the table in ways that a careless reader loses track of; its own fields refer to it. */
function tableGames(request: Http2Request, random: SeededRandom): Http2Request {
  const table = new Table();
  const blockOf = (fields: readonly Field[], games: SeededRandom): Buffer => {
    const parts: Buffer[] = [];
    if (games.chance()) {
      for (const size of [games.below(600), games.pick([0, 100, 2000, TABLE_SIZE])]) {
        table.resize(size);
        parts.push(hpackSizeUpdate(size));
      }
    }
    const said = (field: Field) => {
      const form = games.pick(Object.values(HpackForm));
      if (form === HpackForm.INDEXED) table.add(field);
      parts.push(hpackField(...field, { form, coded: games.chance() }));
    };
    fields.forEach(said);
    for (let left = games.below(8); left > 0; left--) {
      const known = table.entries.findIndex(
        // A coding that is said again is one more, and another request.
        ([name]) => !name.startsWith(':') && name !== 'content-encoding' && games.chance(0.2),
      );
      if (known >= 0) parts.push(hpackReference(STATIC_FIELDS + 1 + known));
      else said([`x-${games.below(1000)}`, 'v'.repeat(games.pick([0, 3, 30, 900, 5000]))]);
    }
    return Buffer.concat(parts);
  };
  const harmless = plainFields('/other');
  const before = many(random.between(1, 6), (index) =>
    http2Frame(
      Http2Type.HEADERS,
      WHOLE | Http2Flag.END_STREAM,
      request.stream + 2 * index,
      blockOf(harmless, random),
    ),
  );
  // The table is as those requests leave it, whenever the block is made.
  const left = { entries: [...table.entries], size: table.size };
  return {
    ...request,
    before: Buffer.concat([request.before, before]),
    stream: request.stream + 100,
    block: (fields, games) => {
      table.entries = [...left.entries];
      table.size = left.size;
      return blockOf(fields, games);
    },
  };
}

const plainFields = (path: string): readonly Field[] => [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'www.example.com'],
  [':path', path],
];

/** Requests that wait for their bodies; streams before that of the request. */
function waiting(request: Http2Request, count: number): Http2Request {
  // POST, http, /: all of the static table.
  const block = Buffer.of(0x83, 0x86, 0x84);
  return {
    ...request,
    before: Buffer.concat([
      request.before,
      many(count, (index) => http2Frame(Http2Type.HEADERS, WHOLE, request.stream + 2 * index, block)),
    ]),
    stream: request.stream + 2 * count,
    waiting: request.waiting + count,
    refused: request.refused || request.waiting + count > MOST_WAITING,
  };
}

const trick = (name: string, apply: Http2Trick['apply'], places?: readonly Place[]): Http2Trick =>
  places === undefined ? { name, apply } : { name, places, apply };
const changed = (name: string, change: Partial<Http2Request>, places?: readonly Place[]): Http2Trick =>
  trick(name, (request) => ({ ...request, ...change }), places);

const coded = (name: string, options: Parameters<typeof hpackField>[2]): Http2Trick =>
  changed(`fields: ${name}`, {
    block: (fields) => Buffer.concat(fields.map(([field, value]) => hpackField(field, value, options))),
  });
const FIELDS: readonly Http2Trick[] = [
  coded('in Huffman code', { coded: true }),
  coded('kept in the table', { form: HpackForm.INDEXED }),
  coded('never kept, in Huffman code', { form: HpackForm.NEVER, coded: true }),
  trick('fields: the table resized', (request) => ({
    ...request,
    block: (fields, random) =>
      Buffer.concat([
        hpackSizeUpdate(random.below(100)),
        hpackSizeUpdate(random.between(100, TABLE_SIZE)),
        request.block(fields, random),
      ]),
  })),
  trick('fields: a larger table, once the server has said so', (request) => ({
    ...request,
    before: Buffer.concat([request.before, http2Frame(Http2Type.SETTINGS, 1, 0)]),
    block: (fields, random) =>
      Buffer.concat([hpackSizeUpdate(random.between(TABLE_SIZE, 65_536)), request.block(fields, random)]),
  })),
  trick('fields: games with the table', tableGames),
];

const HEADS: readonly Http2Trick[] = [
  trick('head: continued', (request, random) => {
    const pieces = random.between(2, 5);
    return {
      ...request,
      headPiece: () => Math.ceil(request.block(request.fields, random).length / pieces),
    };
  }),
  trick('head: continued behind one byte', (request) => {
    let pieces = 0;
    return { ...request, headPiece: () => (pieces++ === 0 ? 1 : 1 << 14) };
  }),
  changed('head: padded', { headPadding: 200 }),
  changed('head: with a priority', { prioritised: true }),
  changed('head: padded, with a priority', { headPadding: 1, prioritised: true }),
];

const inBody: readonly Place[] = ['body'];
const BODIES: readonly Http2Trick[] = [
  changed('data: one byte a frame', { bodyPiece: () => 1 }, inBody),
  changed('data: in pieces', { bodyPiece: (random) => random.between(1, 30) }, inBody),
  changed('data: padded', { bodyPiece: (random) => random.between(1, 9), bodyPadding: 255 }, inBody),
  trick(
    'data: empty frames between',
    (request) => ({
      ...request,
      bodyPiece: (random) => random.between(3, 30),
      between: () => http2Frame(Http2Type.DATA, 0, request.stream),
    }),
    inBody,
  ),
  changed('data: a trailer behind it', { trailer: [['x-sum', '1']] }, inBody),
];

/** What a connection carries besides. */
const OTHERS: readonly ((random: SeededRandom, stream: number) => Buffer)[] = [
  () => http2Frame(Http2Type.PING, 0, 0, Buffer.alloc(8)),
  () => http2Frame(Http2Type.WINDOW_UPDATE, 0, 0, Buffer.of(0, 0, 1, 0)),
  (_, stream) => http2Frame(Http2Type.WINDOW_UPDATE, 0, stream, Buffer.of(0, 0, 1, 0)),
  () => http2Frame(Http2Type.SETTINGS, 0, 0, Buffer.of(0, 1, 0, 0, 1, 0)),
  (random, stream) =>
    http2Frame(random.between(11, 255), random.below(256), stream, Buffer.alloc(random.below(40))),
  (random, stream) =>
    http2Frame(
      Http2Type.PRIORITY,
      0,
      stream + 2 * random.below(50),
      Buffer.of(0, 0, 0, 0, random.below(256)),
    ),
];

const AROUND: readonly Http2Trick[] = [
  trick('around: other frames between', (request) => ({
    ...request,
    bodyPiece: (random) => random.between(2, 20),
    between: (random) => many(random.below(4), () => random.pick(OTHERS)(random, request.stream)),
  })),
  trick('around: priorities of very many streams between', (request) => ({
    ...request,
    bodyPiece: (random) => random.between(2, 20),
    between: (random) =>
      many(random.between(300, 400), (index) =>
        http2Frame(Http2Type.PRIORITY, 0, request.stream + 2 * (index + 1), Buffer.of(0, 0, 0, 0, 1)),
      ),
  })),
  trick('around: another request between', (request, random) => {
    const other: Http2Request = {
      ...http2RequestOf(requestOf({ writing: plainly('body'), tricks: [] }, 'other', random)),
      stream: request.stream,
    };
    return {
      ...request,
      before: Buffer.concat([
        request.before,
        http2Frame(Http2Type.HEADERS, WHOLE, other.stream, plainBlock(other.fields)),
      ]),
      stream: request.stream + 2,
      bodyPiece: (pieces) => pieces.between(1, 20),
      between: (pieces) => http2Frame(Http2Type.DATA, 0, other.stream, Buffer.alloc(pieces.below(9), 'x')),
    };
  }),
  trick('around: behind other requests', (request, random) => {
    const count = random.between(1, 30);
    const before = many(count, (index) =>
      framesOf(
        { ...request, fields: plainFields('/other'), body: NOTHING, stream: request.stream + 2 * index },
        random,
      ),
    );
    return {
      ...request,
      before: Buffer.concat([request.before, before]),
      stream: request.stream + 2 * count,
    };
  }),
  trick('around: behind a request that was taken back', (request) => {
    const { stream } = request;
    const taken = waiting(request, 1);
    const reset = http2Frame(Http2Type.RST_STREAM, 0, stream, Buffer.of(0, 0, 0, 8));
    return { ...taken, before: Buffer.concat([taken.before, reset]) };
  }),
  trick('around: behind many requests that wait', (request, random) =>
    waiting(request, random.between(260, 1500)),
  ),
  trick('around: the stream has a large number', (request) => ({
    ...request,
    stream: request.stream + 0x7000_0000,
  })),
];

/** Those that are more than the engine looks into. */
const BEYOND: readonly Http2Trick[] = [
  trick('beyond: behind very many requests that wait', (request, random) =>
    waiting(request, random.between(4100, 4400)),
  ),
  trick(
    'beyond: behind very many fields',
    (request, random) => ({
      ...request,
      fields: [
        ...request.fields.filter(([name]) => name !== 'x-word'),
        ...Array.from({ length: random.between(1030, 2000) }, (_, at): Field => [`x-${at}`, '']),
        ...request.fields.filter(([name]) => name === 'x-word'),
      ],
      refused: true,
    }),
    ['header'],
  ),
  trick(
    'beyond: behind very long fields',
    (request, random) => ({
      ...request,
      block: (fields, blocks) => {
        const word = fields.filter(([name]) => name === 'x-word');
        const long = hpackField('x-long', 'v'.repeat(3500), { form: HpackForm.INDEXED });
        const again = many(random.between(19, 60), () => hpackReference(STATIC_FIELDS + 1));
        return Buffer.concat([
          request.block(
            fields.filter(([name]) => name !== 'x-word'),
            blocks,
          ),
          long,
          again,
          plainBlock(word),
        ]);
      },
      refused: true,
    }),
    ['header'],
  ),
];

export interface Http2Plan {
  /** What it says. */
  readonly said: HttpPlan;
  readonly tricks: readonly Http2Trick[];
}

export const http2Message = ({ said, tricks }: Http2Plan): Message => ({
  place: said.writing.place,
  make: (word, random) => {
    const first = http2RequestOf(requestOf(said, word, random));
    const request = tricks.reduce((changing, each) => each.apply(changing, random), first);
    return { bytes: http2Bytes(request, random), refused: request.refused };
  },
});

const CUTS = [FIELDS, HEADS, BODIES, AROUND, BEYOND] as const;
/** What HTTP/1 alone has: fields that are folded, trailers behind chunks. */
const SUITING = WRITINGS.filter(
  ({ name }) => !/fold|trailer|colon|without|null byte before it$/.test(name) || name.startsWith('target'),
);

/** Every trick alone, at each place that suits it. */
export const HTTP2_PLANS: readonly Http2Plan[] = [
  ...SUITING.map((writing) => ({ said: { writing, tricks: [] }, tricks: [] })),
  ...CODINGS.map((coding) => ({ said: { writing: plainly('body'), tricks: [coding] }, tricks: [] })),
  ...CUTS.flat().flatMap((each) =>
    PLACES.filter((place) => suitsPlace(each, place)).map((place) => ({
      said: { writing: plainly(place), tricks: [] },
      tricks: [each],
    })),
  ),
];

function suitsPlace({ places }: Http2Trick, place: Place): boolean {
  return places?.includes(place) ?? true;
}

export function http2PlanName({ said, tricks }: Http2Plan): string {
  const names = [...said.tricks, ...tricks].map(({ name }) => name);
  return names.length === 0 ? said.writing.name : [said.writing.place, ...names].join(' + ');
}

/** Some that go together, in the order in which they apply. */
export function http2Combination(random: SeededRandom): Http2Plan {
  const writing = random.pick(SUITING);
  const { place } = writing;
  const codings = CODINGS.filter((coding) => suits(coding, place));
  const perhaps = (tricks: readonly Http2Trick[], probability: number) => {
    const suiting = tricks.filter((each) => suitsPlace(each, place));
    return suiting.length > 0 && random.chance(probability) ? [random.pick(suiting)] : [];
  };
  return {
    said: { writing, tricks: codings.length > 0 && random.chance(0.4) ? [random.pick(codings)] : [] },
    tricks: [
      ...perhaps(BODIES, 0.5),
      ...perhaps(AROUND, 0.5),
      ...perhaps(AROUND, 0.2),
      ...perhaps(FIELDS, 0.6),
      ...perhaps(HEADS, 0.5),
      ...perhaps(BEYOND, 0.05),
    ],
  };
}
