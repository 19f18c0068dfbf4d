import type { BufferDefinition, Direction, IntegerBuffer } from '@portcullis/protocols';
import { PROTOCOL_ALIASES } from './buffer-names';

/** The buffers there are, by name; and the application protocols, by number. */
export class BufferCatalog {
  private readonly byName = new Map<string, BufferDefinition[]>();
  private readonly numbers = new Map<string, number>();

  /** @param protocols names in the order of their numbers, which count from 1 */
  constructor(
    definitions: readonly BufferDefinition[],
    readonly protocols: readonly string[],
  ) {
    protocols.forEach((name, i) => {
      this.numbers.set(name, i + 1);
    });
    for (const definition of definitions) {
      if (!this.numbers.has(definition.protocol)) continue;
      const same = this.byName.get(definition.name);
      if (same) same.push(definition);
      else this.byName.set(definition.name, [definition]);
    }
  }

  /** Where frames stand in tables that go by protocol number times two plus direction: behind all that transactions have. */
  get firstFramePlan(): number {
    return (this.protocols.length + 1) * 2;
  }

  /** Entries of such a table. */
  get planCount(): number {
    return this.firstFramePlan * 2;
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  /**
   * The parser's numbers of the buffers that one is made of, as far as they are there in that direction.
   * @param at protocol number times two plus direction
   */
  sources(name: string, at: number): number[] {
    const inPlan = (definition: BufferDefinition) =>
      this.protocolNumber(definition.protocol) === at >> 1 &&
      definition.directions.includes((at & 1) as Direction);
    const derivedFrom = this.definitions(name).find(inPlan)?.derivedFrom ?? [];
    return derivedFrom.flatMap((source) =>
      this.definitions(source)
        .filter(inPlan)
        .map(({ id }) => id),
    );
  }

  definitions(name: string): readonly BufferDefinition[] {
    return this.byName.get(name) ?? [];
  }

  isMultiple(name: string): boolean {
    return this.definitions(name).some((definition) => definition.multiple);
  }

  /** It is a frame, no part of a transaction. */
  isFrame(name: string): boolean {
    return this.definitions(name).some(({ frame }) => frame !== undefined);
  }

  /** How rules write the buffer's number; undefined where it is text or bytes. */
  integer(name: string): IntegerBuffer | undefined {
    return this.definitions(name).find(({ integer }) => integer !== undefined)?.integer;
  }

  /** Directions in which the buffer exists, as `DirectionBit`s. */
  directions(name: string): number {
    let bits = 0;
    for (const definition of this.definitions(name)) {
      for (const direction of definition.directions as readonly Direction[]) bits |= 1 << direction;
    }
    return bits;
  }

  /** The greatest progress that a buffer of the protocol waits for in a direction; at least 1. */
  lastProgress(protocol: number, direction: Direction): number {
    let last = 1;
    for (const definitions of this.byName.values()) {
      for (const { progress, directions, frame, protocol: name } of definitions) {
        if (frame || this.protocolNumber(name) !== protocol || !directions.includes(direction)) continue;
        last = Math.max(last, progress);
      }
    }
    return last;
  }

  protocolNumber(name: string): number {
    return this.numbers.get(name) ?? 0;
  }

  /** Numbers of the protocols that a rule header means; empty where there is no parser for it. */
  protocolsOf(name: string): number[] {
    const names = PROTOCOL_ALIASES.get(name) ?? [name];
    return names.map((each) => this.protocolNumber(each)).filter((number) => number > 0);
  }
}
