import type { BufferCatalog } from './buffer-catalog';
import { BufferSlot } from './buffer-slot';
import { type BufferPart, partKey } from './rule-builder';
import type { Transform } from './transform';

/** Buffers with their transforms, each once. */
export class SlotTable {
  readonly all: BufferSlot[] = [];
  private readonly byKey = new Map<string, BufferSlot>();
  private complete = false;

  constructor(private readonly catalog: BufferCatalog) {}

  slotOf({ name, transforms }: BufferPart): BufferSlot {
    const key = partKey(name as string, transforms);
    const known = this.byKey.get(key);
    if (known) return known;
    if (this.complete) throw new Error(`the rule set was made without a buffer ${key}`);
    return this.add(name as string, transforms);
  }

  /** The next slot. */
  add(name: string, transforms: readonly Transform[]): BufferSlot {
    const key = partKey(name, transforms);
    const slot = new BufferSlot(this.all.length, name, transforms, this.catalog);
    this.all.push(slot);
    this.byKey.set(key, slot);
    return slot;
  }

  /** From here on it is asked for what it has. */
  close(): void {
    this.complete = true;
  }
}
