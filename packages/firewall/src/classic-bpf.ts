/**
 * Programs of the kernel's first packet filter language, for `-m bpf` (xt_bpf, iptables-extensions(8)). They see a packet from its
 * network header on; what lies beyond its end ends a program with 0, which is no match.
 * Numbers of instructions: linux/bpf_common.h, linux/filter.h.
 */

/** Where a jump leads that is not to the next instruction. */
export type Label = string;

interface Instruction {
  readonly code: number;
  readonly k: number;
  readonly yes?: Label | undefined;
  readonly no?: Label | undefined;
}

/** linux/netfilter/xt_bpf.h, XT_BPF_MAX_NUM_INSTR */
export const LONGEST_PROGRAM = 64;

/** Collects instructions. A is the accumulator, X the index register, M two words of memory. */
export class ClassicBpf {
  private readonly instructions: Instruction[] = [];
  private readonly labels = new Map<Label, number>();

  /** A = the bytes at `at` of the packet: 1, 2 or 4 of them, in network order. */
  load(bytes: 1 | 2 | 4, at: number): this {
    return this.add(0x20 | SIZE[bytes], at);
  }

  /** A = the bytes at X + `at`. */
  loadBehindX(bytes: 1 | 2 | 4, at: number): this {
    return this.add(0x40 | SIZE[bytes], at);
  }

  /** X = the length of an IPv4 header, told by its first byte at `at`. */
  headerLengthToX(at: number): this {
    return this.add(0xb1, at);
  }

  constantToX(value: number): this {
    return this.add(0x01, value);
  }

  keep(word: 0 | 1): this {
    return this.add(0x02, word);
  }

  keptToX(word: 0 | 1): this {
    return this.add(0x61, word);
  }

  toX(): this {
    return this.add(0x07, 0);
  }

  addX(): this {
    return this.add(0x0c, 0);
  }

  xorX(): this {
    return this.add(0xac, 0);
  }

  plus(value: number): this {
    return this.add(0x04, value);
  }

  times(value: number): this {
    return this.add(0x24, value >>> 0);
  }

  shiftLeft(bits: number): this {
    return this.add(0x64, bits);
  }

  shiftRight(bits: number): this {
    return this.add(0x74, bits);
  }

  modulo(value: number): this {
    return this.add(0x94, value);
  }

  /** Goes on at `yes` where A is `value`, else at `no`; without a label with the next instruction. */
  ifEqual(value: number, { yes, no }: { yes?: Label; no?: Label }): this {
    this.instructions.push({ code: 0x15, k: value, yes, no });
    return this;
  }

  label(name: Label): this {
    this.labels.set(name, this.instructions.length);
    return this;
  }

  match(): this {
    return this.add(0x06, 0xffff);
  }

  noMatch(): this {
    return this.add(0x06, 0);
  }

  /** As `--bytecode` has it: how many instructions, and each as {code, jump if true, jump if false, constant}. */
  text(): string {
    const { length } = this.instructions;
    if (length > LONGEST_PROGRAM) throw new RangeError(`${length} instructions`);
    const lines = this.instructions.map(({ code, k, yes, no }, at) => {
      const to = (label: Label | undefined) => (label === undefined ? 0 : this.distance(label, at));
      return `${code} ${to(yes)} ${to(no)} ${k}`;
    });
    return `${length},${lines.join(',')}`;
  }

  private distance(label: Label, from: number): number {
    const to = this.labels.get(label);
    if (to === undefined || to <= from) throw new RangeError(`label ${label}`);
    return to - from - 1;
  }

  private add(code: number, k: number): this {
    this.instructions.push({ code, k });
    return this;
  }
}

const SIZE = { 4: 0x00, 2: 0x08, 1: 0x10 } as const;
