import {
  type BufferView,
  createProtocols,
  type Direction,
  type ProtocolDefinition,
  type ProtocolParser,
  type Transaction,
  type TransactionListener,
  Transport,
} from '@portcullis/protocols';
import { conversations, parsedProtocols, protocolKey } from '../conversations';
import { decodeRecords, type FuzzRecord } from '../records';
import { claim, type FuzzRun, type FuzzTarget } from '../target';
import { testLiterals } from '../test-literals';

/** Bytes that a parser may hold for one flow. */
const MOST_HELD = 4 << 20;
/** What an alert may tell of one transaction, in characters. */
const LONGEST_DESCRIPTION = 1 << 18;
const MOST_OF_A_BUFFER = 64;
/** Behind the direction: what a record stands for. */
const GAP = 6;
const CLOSE = 7;
const ARENA = 1 << 17;
/** Frames of a flow that are shown as they grow: one stream, and in it one message, of either side. */
const MOST_GROWING = 4;

const NO_FRAMES: ReadonlySet<number> = new Set();

/** Looks at all that a transaction shows, and that it begins and ends once. */
class Observer implements TransactionListener {
  private readonly open = new Set<Transaction>();
  private readonly growing = new Set<Transaction>();
  private readonly view: BufferView = {
    bytes: new Uint8Array(0),
    start: 0,
    end: 0,
    streamOffset: 0,
    fresh: 0,
    complete: false,
  };
  private described = 0;

  constructor(private readonly definition: ProtocolDefinition) {}

  onProgress(tx: Transaction, direction: Direction): void {
    this.open.add(tx);
    claim(tx.progress(direction) >= 0, 'progress below 0');
    for (const { id, name, directions, multiple, frame } of this.definition.buffers) {
      if (frame || !directions.includes(direction)) continue;
      for (let index = 0; index < (multiple ? MOST_OF_A_BUFFER : 1); index++) {
        if (!tx.buffer(id, index, this.view)) break;
        this.checkView(name);
      }
    }
    if ((this.described++ & 15) === 0) {
      const told = this.definition.describe?.(tx);
      if (told !== undefined) claim(JSON.stringify(told).length < LONGEST_DESCRIPTION, 'a long description');
    }
  }

  onFrame(frame: Transaction, direction: Direction, over: boolean): void {
    claim(frame.progress(direction) >= 0, 'progress below 0');
    if (over) this.growing.delete(frame);
    else this.growing.add(frame);
    for (const { id, name } of this.definition.frames?.buffers ?? [])
      if (frame.buffer(id, 0, this.view)) this.checkView(name);
    claim(this.growing.size <= MOST_GROWING, 'many frames that grow');
  }

  private checkView(name: string): void {
    const { bytes, start, end, fresh, streamOffset } = this.view;
    const sane =
      start >= 0 &&
      start <= end &&
      end <= bytes.length &&
      fresh >= start &&
      fresh <= end &&
      streamOffset >= 0;
    claim(sane, `${name} is out of bounds`);
  }

  onTransactionEnd(tx: Transaction): void {
    claim(this.open.delete(tx), 'the end of a transaction that was not announced');
  }

  onEvent(tx: Transaction | null, _direction: Direction, event: string): void {
    if (tx !== null) this.open.add(tx);
    claim(typeof event === 'string' && event !== '', 'an event without a name');
  }

  onUpgrade(): void {}
  onExpectation(): void {}

  allEnded(): void {
    claim(this.open.size === 0, 'a transaction without an end');
  }

  forget(): void {
    this.open.clear();
    this.growing.clear();
    this.described = 0;
  }
}

class ParserRun implements FuzzRun {
  private readonly parser: ProtocolParser;
  private readonly observer: Observer;
  private readonly arena = new Uint8Array(ARENA);
  private turn = 0;

  private readonly everyFrame: ReadonlySet<number>;

  constructor(
    private readonly definition: ProtocolDefinition,
    private readonly transport: Transport,
  ) {
    this.everyFrame = new Set(definition.frames?.buffers.map(({ id }) => id));
    this.observer = new Observer(definition);
    this.parser = definition.create(this.observer, transport);
  }

  run(input: Uint8Array): void {
    const { parser, observer } = this;
    observer.forget();
    // With frames and without: the input alone tells which, so that it can be repeated.
    this.definition.frames?.want((input.length & 1) === 1 ? this.everyFrame : NO_FRAMES);
    const ended = [false, false];
    for (const record of decodeRecords(input)) {
      const direction = (record.kind & 1) as Direction;
      if (!ended[direction]) ended[direction] = this.step(direction, record);
      const held = parser.heldBytes();
      claim(held >= 0 && held <= MOST_HELD, `holds ${held} bytes`);
    }
    if (!ended[0]) parser.close(0);
    if (!ended[1]) parser.close(1);
    claim(parser.heldBytes() === 0, `a closed parser holds ${parser.heldBytes()} bytes`);
    parser.reset();
    observer.allEnded();
  }

  /** @returns whether the direction has ended */
  private step(direction: Direction, { kind, bytes }: FuzzRecord): boolean {
    const { parser, arena } = this;
    const what = (kind >> 1) & 7;
    if (what === CLOSE) {
      parser.close(direction);
      return true;
    }
    if (what === GAP && this.transport === Transport.TCP) {
      parser.gap(direction, 1 + (bytes.length > 0 ? (bytes[0] as number) * (bytes.length > 1 ? 997 : 1) : 0));
      return false;
    }
    if (bytes.length === 0 && this.transport === Transport.TCP) return false;
    // As in the arena of a queue: somewhere, and overwritten afterwards.
    const start = this.turn++ & 15;
    const end = start + bytes.length;
    arena.set(bytes, start);
    arena[end] = 0x21;
    parser.feed(direction, arena, start, end);
    arena.fill(0x3f, start, end);
    return false;
  }
}

/** Its own conversations and messages; of one that has none, what others on the same transport say. */
function seedsOf(name: string, transport: Transport): readonly Uint8Array[] {
  const known = conversations();
  const own = [...(known.get(protocolKey(name, transport)) ?? []), ...testLiterals(name)];
  if (own.length > 0) return own;
  const suffix = protocolKey('', transport);
  return [...known].filter(([key]) => key.endsWith(suffix)).flatMap(([, list]) => list.slice(0, 2));
}

/** Every protocol of the registry that is looked into, over each of its transports. */
export function protocolTargets(): readonly FuzzTarget[] {
  return parsedProtocols().flatMap(({ name, transports, events }) =>
    transports.map((transport) => ({
      name: `protocol/${protocolKey(name, transport)}`,
      shape: 'records' as const,
      weight: 1,
      tokens: events.length > 0 ? [name] : [],
      seeds: () => seedsOf(name, transport),
      start: () => {
        const definition = createProtocols().find((each) => each.name === name) as ProtocolDefinition;
        return new ParserRun(definition, transport);
      },
    })),
  );
}
