/**
 * The syntax tree of a rule: what was written, checked for form and not yet for meaning. Immutable.
 * Keywords get their meaning in the matcher, one file a keyword; this package knows only the language.
 */

export type Action = 'alert' | 'drop' | 'reject' | 'rejectsrc' | 'rejectdst' | 'rejectboth' | 'pass';

/** Where in the rule text something stands; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** An address expression with its variables resolved. Everything in `include` but nothing in `exclude`. */
export interface AddressExpression {
  /** True when it holds every address. */
  readonly any: boolean;
  readonly include: readonly AddressRange[];
  readonly exclude: readonly AddressRange[];
}

/** Inclusive range. IPv4 addresses are 32-bit, IPv6 addresses 128-bit values. */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** Ports with their variables and negations resolved: sorted, disjoint, inclusive. */
export interface PortExpression {
  readonly any: boolean;
  readonly ranges: readonly { readonly first: number; readonly last: number }[];
}

export interface RuleHeader {
  readonly action: Action;
  /** As written: `tcp`, `http`, `tcp-pkt`, `ip` … */
  readonly protocol: string;
  /** Moment of the protocol at which it is asked: `client_hello_done` of `tls:client_hello_done`; null: none is said. */
  readonly hook: string | null;
  readonly source: AddressExpression;
  readonly sourcePorts: PortExpression;
  /**
   * `<>` also matches with source and destination exchanged; `=>` looks at both directions of a transaction, which
   * goes from source to destination.
   */
  readonly direction: '->' | '<>' | '=>';
  readonly destination: AddressExpression;
  readonly destinationPorts: PortExpression;
}

/** One `keyword:value;` of a rule, in order. */
export interface RuleOption {
  readonly keyword: string;
  /** Text after the colon, trimmed, with the language's own escapes (`\;` `\"` `\\`) still in it; null where there is none. */
  readonly value: string | null;
  readonly place: Place;
  /** Where the value begins. */
  readonly valuePlace: Place;
}

export interface Rule {
  readonly header: RuleHeader;
  readonly options: readonly RuleOption[];
  readonly sid: number;
  readonly gid: number;
  readonly rev: number;
  readonly msg: string;
  readonly classtype: string | null;
  /** From `priority`, else from the class, else 3. */
  readonly priority: number;
  /** `metadata` as key → values. */
  readonly metadata: ReadonlyMap<string, readonly string[]>;
  readonly references: readonly string[];
  /** The file it came from and its line there. */
  readonly file: string;
  readonly place: Place;
  /** The rule as written (continuation lines joined). */
  readonly text: string;
}

/** What is wrong with a rule, and where. `sid` is 0 where it could not be read. */
export class RuleError extends Error {
  readonly code = 'RULE_INVALID';
  constructor(
    message: string,
    readonly place: Place,
    readonly sid = 0,
  ) {
    super(message);
    this.name = 'RuleError';
  }
}
