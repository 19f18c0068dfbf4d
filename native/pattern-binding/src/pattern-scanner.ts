import { addon, type NativeScanner } from './addon';
import { PatternDatabase } from './pattern-database';
import { native, PatternError } from './pattern-error';

// Layout of the control array, which addon/scanner.cc shares.
const JOB_COUNT = 0;
const STATUS = 1;
const JOBS = 2;
const JOB_WIDTH = 3;

// Low byte of control[STATUS]; the number of the job stands above it.
const BAD_JOB = 1;
const NO_BOUNDS = new Uint32Array(0);

/** Places at which literals may begin that are looked up: those below this one. */
export const PLACES = 64;

/** Literals side by side, and where each of them may begin in its buffer. */
export interface PlacedLiterals {
  readonly bytes: Uint8Array;
  /** Where each of them ends in `bytes`. */
  readonly ends: Int32Array;
  /** 1 where ASCII letters match in both cases. */
  readonly caseless: Uint8Array;
  /** First and last place at which each of them may begin. */
  readonly firsts: Uint32Array;
  readonly lasts: Uint32Array;
}

/**
 * Scans buffers for one thread. It owns the scratch memory, which grows with the databases added, and the
 * arrays that native code writes into; a scan allocates nothing and never calls back into JavaScript.
 */
export class PatternScanner {
  /** Most ids that one scan reports. */
  readonly maxMatches: number;
  /** Most jobs in one call of {@link scanMany}. */
  readonly maxJobs: number;
  /**
   * Ids found by the last call, each once per scan, in no order that means anything. After {@link scan} they
   * stand at 0 … count-1; after {@link scanMany} those of one job follow those of the job before.
   */
  readonly matches: Uint32Array;
  /** Counts of the last {@link scanMany}, one for each job. */
  readonly counts: Int32Array;
  /**
   * Room for the jobs of {@link scanMany}: database index, start, end, three numbers a job. Filling this array
   * saves the copy that any other array costs.
   */
  readonly jobs: Int32Array;
  /**
   * For jobs whose database was added with bounds: where `start` lies in the buffer that they count from; may be below 0.
   * 0 unless it is set, and stays what it was set to.
   */
  readonly bases: Int32Array;

  readonly #control: Int32Array;
  readonly #native: NativeScanner;
  readonly #run: () => void;
  readonly #indexes = new Map<PatternDatabase, number>();
  #open = true;
  // Native code keeps the address of the array that was scanned last. These two hold the array, and tell when
  // it is another one or was detached (its length is 0 then).
  #bytes: Uint8Array | undefined;
  #length = 0;
  #lastDatabase: PatternDatabase | undefined;
  #lastIndex = 0;
  #added = 0;

  constructor(maxMatches: number, maxJobs = 32) {
    if (!Number.isInteger(maxMatches) || maxMatches < 1 || maxMatches > 1 << 20) {
      throw new PatternError('INVALID_ARGUMENT', `maxMatches is ${maxMatches}, not between 1 and ${1 << 20}`);
    }
    if (!Number.isInteger(maxJobs) || maxJobs < 1 || maxJobs > 1024) {
      throw new PatternError('INVALID_ARGUMENT', `maxJobs is ${maxJobs}, not between 1 and 1024`);
    }
    this.maxMatches = maxMatches;
    this.maxJobs = maxJobs;
    // Shared memory, because it cannot be detached: native code keeps the addresses.
    const control = new SharedArrayBuffer(4 * (JOBS + (JOB_WIDTH + 2) * maxJobs));
    this.#control = new Int32Array(control);
    this.jobs = new Int32Array(control, 4 * JOBS, JOB_WIDTH * maxJobs);
    this.counts = new Int32Array(control, 4 * (JOBS + JOB_WIDTH * maxJobs), maxJobs);
    this.bases = new Int32Array(control, 4 * (JOBS + (JOB_WIDTH + 1) * maxJobs), maxJobs);
    this.matches = new Uint32Array(new SharedArrayBuffer(4 * maxMatches * maxJobs));
    this.#native = native(() => addon().createScanner(this.#control, this.matches, maxMatches, maxJobs));
    this.#run = this.#native.run;
  }

  /**
   * Makes a database ready to be scanned with and returns its index for {@link scanMany}; adding it again
   * returns the same index. The scanner holds the database until it is closed.
   * @param bounds by id: a pattern that does not end within so many bytes of its buffer's beginning is not reported; 0,
   *   and ids beyond its end: wherever it stands. With bounds every call adds an index.
   */
  add(database: PatternDatabase, bounds: Uint32Array | null = null): number {
    this.#checkOpen();
    const known = bounds === null ? this.#indexes.get(database) : undefined;
    if (known !== undefined) return known;
    const index = native(() => this.#native.add(PatternDatabase.handleOf(database), bounds ?? NO_BOUNDS));
    this.#added = index + 1;
    if (bounds !== null) return index;
    this.#indexes.set(database, index);
    return index;
  }

  /**
   * Literals that stand near the beginning of their buffer, at places that are known: they are not searched for, but looked
   * up there. Returns their index for {@link scanMany}, where `bases` says at which place of the buffer a job begins; ids
   * are places in the list.
   * @throws PatternError INVALID_ARGUMENT where a literal is empty or may begin at {@link PLACES} or behind it
   */
  addPlaced({ bytes, ends, caseless, firsts, lasts }: PlacedLiterals): number {
    this.#checkOpen();
    const index = native(() => this.#native.addPlaced(bytes, ends, caseless, firsts, lasts));
    this.#added = index + 1;
    return index;
  }

  /**
   * Scans `bytes[start … end)`. Returns how many ids stand in {@link matches}, or `maxMatches + 1` when there
   * are more than fit: then `matches` means nothing, and every pattern may have matched.
   * @throws PatternError RANGE when the range does not lie inside `bytes`.
   */
  scan(database: PatternDatabase, bytes: Uint8Array, start: number, end: number): number {
    if (database !== this.#lastDatabase) {
      this.#lastIndex = this.add(database);
      this.#lastDatabase = database;
    }
    if (bytes !== this.#bytes || bytes.length !== this.#length) this.#bind(bytes);
    const control = this.#control;
    this.bases[0] = 0;
    control[JOBS] = this.#lastIndex;
    control[JOBS + 1] = start;
    control[JOBS + 2] = end;
    control[JOB_COUNT] = 1;
    this.#run();
    if (control[STATUS] !== 0) this.#fail();
    return this.counts[0];
  }

  /**
   * Scans several ranges of `bytes` in one call: job i is `jobs[3i]` (index of the database), `jobs[3i + 1]`
   * (start), `jobs[3i + 2]` (end). `counts[i]` says how many ids the job has in `matches`, after those of the
   * jobs before it, or `maxMatches + 1` when there are more than fit: then the job has none there, and the other
   * jobs are as they should be.
   *
   *     let at = 0;
   *     for (let i = 0; i < jobCount; i++) {
   *       const count = scanner.counts[i];
   *       if (count > scanner.maxMatches) takeAll(i);
   *       else for (const end = at + count; at < end; at++) take(i, scanner.matches[at]);
   *     }
   *
   * @throws PatternError RANGE or SCANNER_FULL.
   */
  scanMany(bytes: Uint8Array, jobs: Int32Array, jobCount: number): void {
    // Also refuses what is not a number.
    if (!(jobCount >= 0 && jobCount <= this.maxJobs && jobCount * JOB_WIDTH <= jobs.length)) {
      throw new PatternError('SCANNER_FULL', `${jobCount} jobs were asked for, of ${this.maxJobs} at most`);
    }
    if (bytes !== this.#bytes || bytes.length !== this.#length) this.#bind(bytes);
    const control = this.#control;
    if (jobs !== this.jobs) {
      for (let i = 0; i < jobCount * JOB_WIDTH; i++) control[JOBS + i] = jobs[i];
    }
    control[JOB_COUNT] = jobCount;
    this.#run();
    if (control[STATUS] !== 0) this.#fail();
  }

  /** Bytes of scratch memory that the databases added so far need. */
  get scratchSize(): number {
    return this.#native.scratchSize();
  }

  /** Frees the scratch memory and lets the databases go. The scanner cannot be used afterwards. */
  close(): void {
    this.#open = false;
    this.#indexes.clear();
    this.#lastDatabase = undefined;
    this.#native.close();
  }

  #bind(bytes: Uint8Array): void {
    this.#bytes = undefined;
    native(() => this.#native.bind(bytes));
    this.#bytes = bytes;
    this.#length = bytes.length;
  }

  #checkOpen(): void {
    if (!this.#open) throw new PatternError('SCANNER_CLOSED', 'the scanner has been closed');
  }

  #fail(): never {
    this.#checkOpen();
    const job = this.#control[STATUS] >> 8;
    const index = this.jobs[JOB_WIDTH * job];
    const start = this.jobs[JOB_WIDTH * job + 1];
    const end = this.jobs[JOB_WIDTH * job + 2];
    if ((this.#control[STATUS] & 0xff) === BAD_JOB) {
      throw new PatternError(
        'RANGE',
        `job ${job}: database ${index} (of ${this.#added}), bytes ${start} to ${end} (of ${this.#length})`,
        job,
      );
    }
    throw new PatternError('NATIVE_FAILURE', `the scan of job ${job} failed`, job);
  }
}
