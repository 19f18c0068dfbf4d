/**
 * The lists of the rule header, as written: `!$HOME_NET`, `[80,[8000:8100,!8050]]`. Addresses and ports share
 * this form; what a single entry means is theirs.
 */

/** Something is wrong at `offset` of an expression. Becomes a RuleError where the rule is known. */
export class ExpressionError extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
    this.name = 'ExpressionError';
  }
}

interface Term {
  readonly negated: boolean;
  /** Where the term begins, its `!` included. */
  readonly offset: number;
}
export interface Literal extends Term {
  readonly kind: 'literal';
  readonly text: string;
}
export interface VariableUse extends Term {
  readonly kind: 'variable';
  readonly name: string;
}
export interface List extends Term {
  readonly kind: 'list';
  readonly items: readonly GroupNode[];
}
export type GroupNode = Literal | VariableUse | List;

/** As many brackets within brackets as Suricata allows; keeps the recursion bounded. */
const MAXIMUM_DEPTH = 64;

const BLANK = /[ \t]/;

class GroupReader {
  private at = 0;

  constructor(private readonly text: string) {}

  /** The outermost list may go without brackets, as it does in configurations: `10.0.0.0/8,!10.0.0.1`. */
  read(): GroupNode {
    const items = this.items(0);
    if (this.at < this.text.length) {
      throw new ExpressionError(`'${this.text[this.at]}' is not expected here`, this.at);
    }
    return items.length === 1 ? items[0] : { kind: 'list', negated: false, offset: 0, items };
  }

  private items(depth: number): GroupNode[] {
    const items = [this.term(depth)];
    while (this.skipBlanks() === ',') {
      this.at++;
      items.push(this.term(depth));
    }
    return items;
  }

  private term(depth: number): GroupNode {
    let next = this.skipBlanks();
    const offset = this.at;
    const negated = next === '!';
    if (negated) {
      this.at++;
      next = this.skipBlanks();
      if (next === '!') throw new ExpressionError('an entry can be negated only once', this.at);
    }
    if (next === '[') {
      if (depth >= MAXIMUM_DEPTH) {
        throw new ExpressionError(`lists are nested more than ${MAXIMUM_DEPTH} deep`, this.at);
      }
      const opened = this.at++;
      const items = this.items(depth + 1);
      const closing = this.skipBlanks();
      if (closing === '') throw new ExpressionError("'[' is not closed", opened);
      if (closing !== ']') throw new ExpressionError(`expected ',' or ']' but found '${closing}'`, this.at);
      this.at++;
      return { kind: 'list', negated, offset, items };
    }
    const start = this.at;
    while (this.at < this.text.length && !/[\s,[\]!]/.test(this.text[this.at])) this.at++;
    const text = this.text.slice(start, this.at);
    if (text === '') throw new ExpressionError('an entry is missing', start);
    if (text[0] !== '$') return { kind: 'literal', negated, offset, text };
    if (!/^\$\w+$/.test(text)) throw new ExpressionError(`'${text}' is not a variable name`, start);
    return { kind: 'variable', negated, offset, name: text.slice(1) };
  }

  /** @returns the next character, '' at the end */
  private skipBlanks(): string {
    while (this.at < this.text.length && BLANK.test(this.text[this.at])) this.at++;
    return this.text[this.at] ?? '';
  }
}

function parseGroup(text: string): GroupNode {
  return new GroupReader(text).read();
}

/** What a kind of value (addresses, ports) brings along so that lists of it can be worked out. */
export interface SetAlgebra<Range> {
  /** `the address` or `the port`: how messages name one entry. */
  readonly noun: string;
  readonly everything: readonly Range[];
  /** @throws ExpressionError with an offset relative to the literal */
  literal(text: string): readonly Range[];
  /** Sorted and disjoint. */
  merge(ranges: readonly Range[]): readonly Range[];
  /** Both merged. */
  subtract(from: readonly Range[], taken: readonly Range[]): readonly Range[];
  /** The value of a variable, undefined where there is no such variable. */
  variable(name: string): string | undefined;
}

/** A list worked out: everything in `include` but nothing in `exclude`; both sorted and disjoint. */
export interface GroupValue<Range> {
  readonly include: readonly Range[];
  readonly exclude: readonly Range[];
}

/**
 * Works out lists with the semantics of Suricata: entries of nested lists belong to the outer one, negations apply
 * to the whole of it, and a list with nothing but negations begins with everything. A negated list or variable
 * that itself has exceptions is taken as the set it describes.
 */
export class GroupEvaluator<Range> {
  private readonly known = new Map<string, GroupValue<Range>>();

  constructor(private readonly algebra: SetAlgebra<Range>) {}

  /** @throws ExpressionError */
  evaluate(text: string): GroupValue<Range> {
    return this.closed(parseGroup(text), []);
  }

  /** The set that a value describes. */
  private members(value: GroupValue<Range>): readonly Range[] {
    const { subtract } = this.algebra;
    return value.exclude.length === 0 ? value.include : subtract(value.include, value.exclude);
  }

  /** `node` on its own: an empty `include` becomes everything, and something has to be left. */
  private closed(node: GroupNode, path: readonly string[]): GroupValue<Range> {
    const include: Range[] = [];
    const exclude: Range[] = [];
    this.collect(node, include, exclude, path);
    const { merge, everything, noun } = this.algebra;
    const value = { include: include.length === 0 ? everything : merge(include), exclude: merge(exclude) };
    if (this.members(value).length === 0) {
      throw new ExpressionError(
        `the whole ${noun} space is negated away, nothing is left that could match`,
        node.offset,
      );
    }
    return value;
  }

  private collect(node: GroupNode, include: Range[], exclude: Range[], path: readonly string[]): void {
    if (node.negated) {
      for (const range of this.negatedMembers(node, path)) exclude.push(range);
      return;
    }
    if (node.kind === 'literal') {
      for (const range of this.literal(node)) include.push(range);
    } else if (node.kind === 'list') {
      for (const item of node.items) this.collect(item, include, exclude, path);
    } else {
      const value = this.variable(node, path);
      // A variable of nothing but negations is everything only where nothing else is listed beside it.
      if (value.include !== this.algebra.everything) for (const range of value.include) include.push(range);
      for (const range of value.exclude) exclude.push(range);
    }
  }

  private negatedMembers(node: GroupNode, path: readonly string[]): readonly Range[] {
    if (node.kind === 'literal') return this.literal(node);
    const positive: GroupNode = { ...node, negated: false };
    return this.members(node.kind === 'variable' ? this.variable(node, path) : this.closed(positive, path));
  }

  private literal(node: Literal): readonly Range[] {
    if (node.text.toLowerCase() === 'any') return this.algebra.everything.slice();
    try {
      return this.algebra.literal(node.text);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      throw new ExpressionError(error.message, node.offset + (node.negated ? 1 : 0) + error.offset);
    }
  }

  private variable(node: VariableUse, path: readonly string[]): GroupValue<Range> {
    const { name, offset } = node;
    const known = this.known.get(name);
    if (known) return known;
    const text = this.algebra.variable(name);
    if (text === undefined) throw new ExpressionError(`unknown variable $${name}`, offset);
    if (path.includes(name)) {
      throw new ExpressionError(`variable $${name} refers to itself: ${[...path, name].join(' → ')}`, offset);
    }
    try {
      const value = this.closed(parseGroup(text), [...path, name]);
      this.known.set(name, value);
      return value;
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      // Columns inside of the variable's value mean nothing in the rule; the value is quoted instead.
      throw new ExpressionError(`in $${name} ("${text}"): ${error.message}`, offset);
    }
  }
}
