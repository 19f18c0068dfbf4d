import { join } from 'node:path';
import { PatternError } from './pattern-error';

/** A database in this thread: an external value that native code owns. */
export type DatabaseHandle = { readonly __database: never };

/** Functions of one native scanner. `run` reads and writes the control array it was made with. */
export interface NativeScanner {
  run(): void;
  bind(bytes: Uint8Array): void;
  add(database: DatabaseHandle, bounds: Uint32Array): number;
  addPlaced(
    bytes: Uint8Array,
    ends: Int32Array,
    caseless: Uint8Array,
    firsts: Uint32Array,
    lasts: Uint32Array,
  ): number;
  scratchSize(): number;
  close(): void;
}

export interface NativeExpression {
  exec(): void;
  groups: number;
  jitLength: number;
  size: number;
  /** [group, name, group, name, …] */
  names: (number | string)[];
}

export interface NativeRegexThread {
  bind(bytes: Uint8Array): void;
  compile(
    pattern: Uint8Array,
    options: number,
    matchLimit: number,
    depthLimit: number,
    timeLimit: number,
    jitLength: number,
  ): NativeExpression;
}

type CompileArguments = [bytes: Uint8Array, ends: Uint32Array, ids: Uint32Array, flags: Uint8Array];

/** What the addon exports. Errors it throws carry `code` and sometimes `position`. */
export interface Addon {
  compile(...pattern: CompileArguments): DatabaseHandle;
  compileAsync(...pattern: CompileArguments): Promise<DatabaseHandle>;
  serialize(database: DatabaseHandle): ArrayBuffer;
  deserialize(bytes: Uint8Array, patterns: number): DatabaseHandle;
  share(database: DatabaseHandle, key: string): void;
  attach(key: string): DatabaseHandle | null;
  close(database: DatabaseHandle): void;
  describe(database: DatabaseHandle): [patterns: number, bytes: number, holders: number];
  fingerprint(): string;
  createScanner(
    control: Int32Array,
    matches: Uint32Array,
    maxMatches: number,
    maxJobs: number,
  ): NativeScanner;
  createRegexThread(control: Int32Array): NativeRegexThread;
  regexLibraryVersion(): string;
  findLiteral(bytes: Uint8Array, from: number, to: number, literal: Uint8Array, caseless: boolean): number;
}

// Both src/ and dist/ stand directly in the package.
const file = join(__dirname, '..', 'build', 'Release', 'pattern_binding.node');

let loaded: Addon | undefined;

/**
 * The native part, loaded on first use so that importing this package never fails.
 * @throws PatternError NATIVE_NOT_BUILT when it has not been built or cannot be loaded here.
 */
export function addon(): Addon {
  if (loaded === undefined) {
    try {
      loaded = require(file) as Addon;
    } catch (cause) {
      throw new PatternError(
        'NATIVE_NOT_BUILT',
        `the pattern library cannot be loaded (${(cause as Error).message}); run \`npm run build:native\` in the ` +
          'package @portcullis/pattern-binding with the Node.js that will use it, with libvectorscan-dev and ' +
          'libpcre2-dev installed',
      );
    }
  }
  return loaded;
}
