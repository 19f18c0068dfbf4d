import { type Addon, type Handle, loadAddon } from './addon';
import { errnoName } from './errors';

/** enum ipset_cmd, linux/netfilter/ipset/ip_set.h */
const Command = { DESTROY: 3, FLUSH: 4, SWAP: 6, ADD: 9, DEL: 10, TEST: 11, HEADER: 12 } as const;

/** enum ipset_errno, ibidem; HASH_FULL from ip_set_hash.h. */
const KernelError = { PRIVATE: 4096, BUSY: 4100, EXIST: 4103, HASH_FULL: 4352 } as const;

/** Stable codes of {@link IpSetError}. */
export type IpSetErrorCode =
  | 'SET_MISSING'
  /** There is one of that name already. */
  | 'SET_EXISTS'
  /** `maxelem` entries are in it. */
  | 'SET_FULL'
  /** A rule uses it, or somebody is listing it. */
  | 'SET_BUSY'
  /** Not an entry. */
  | 'ENTRY_INVALID'
  /** The process lacks CAP_NET_ADMIN. */
  | 'PERMISSION'
  /** Any other refusal of the kernel; the message names it. */
  | 'SYSTEM';

export class IpSetError extends Error {
  override readonly name = 'IpSetError';
  constructor(
    readonly code: IpSetErrorCode,
    message: string,
  ) {
    super(message);
  }
}

const codeOfErrno: Readonly<Record<string, IpSetErrorCode>> = {
  ENOENT: 'SET_MISSING',
  EEXIST: 'SET_EXISTS',
  EBUSY: 'SET_BUSY',
  EILSEQ: 'ENTRY_INVALID',
  EPERM: 'PERMISSION',
  EACCES: 'PERMISSION',
};

function errorOf(number: number, what: string): IpSetError {
  if (number === KernelError.HASH_FULL) return new IpSetError('SET_FULL', `${what}: the set is full`);
  if (number === KernelError.BUSY) return new IpSetError('SET_BUSY', `${what}: the set is in use`);
  if (number >= KernelError.PRIVATE)
    return new IpSetError('SYSTEM', `${what}: the kernel answers with its error ${number} for sets`);
  const name = errnoName(number);
  return new IpSetError(codeOfErrno[name] ?? 'SYSTEM', `${what}: ${name}`);
}

/**
 * The kernel's sets of type hash:net, over netlink; see `ipset(8)`. Entries are in the words of `ipset save`:
 * `192.0.2.0/24 timeout 60 nomatch` (time-out in seconds, 0 without end).
 *
 * What returns nothing is in force when the call returns, which takes microseconds. What returns a promise may take
 * seconds and runs on another thread in small steps; such calls follow one another, and single changes go in between.
 */
export class IpSets {
  readonly #addon: Addon;
  readonly #handle: Handle;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(addon: Addon, handle: Handle) {
    this.#addon = addon;
    this.#handle = handle;
  }

  /**
   * @param networkNamespace path of another network namespace than that of the process, such as `/run/netns/NAME`
   * @throws IpSetError, NfQueueError NATIVE_NOT_BUILT
   */
  static open(networkNamespace: string | null = null): IpSets {
    const addon = loadAddon();
    const handle = addon.setsOpen(networkNamespace);
    if (typeof handle === 'number') throw errorOf(handle, 'the netlink socket for sets cannot be opened');
    return new IpSets(addon, handle);
  }

  /** Adds an entry, or gives one that is there the time stated. @throws IpSetError */
  add(set: string, line: string): void {
    this.#check(this.#addon.setsChange(this.#handle, Command.ADD, set, line), `add ${set} ${line}`);
  }

  /** Adds an entry that is not there. @returns false: it is there, and stays as it is. @throws IpSetError */
  addNew(set: string, line: string): boolean {
    const answer = this.#addon.setsAddNew(this.#handle, set, line);
    if (answer === KernelError.EXIST) return false;
    this.#check(answer, `add ${set} ${line}`);
    return true;
  }

  /** Removes an entry; none is no error. @throws IpSetError */
  remove(set: string, line: string): void {
    this.#check(this.#addon.setsChange(this.#handle, Command.DEL, set, line), `del ${set} ${line}`);
  }

  /** Whether a set has an entry; for a whole address, whether it is covered. @throws IpSetError */
  has(set: string, line: string): boolean {
    const answer = this.#addon.setsChange(this.#handle, Command.TEST, set, line);
    if (answer === KernelError.EXIST) return false;
    this.#check(answer, `test ${set} ${line}`);
    return true;
  }

  /** Whether there is such a set. @throws IpSetError */
  exists(set: string): boolean {
    try {
      this.#check(this.#addon.setsCommand(this.#handle, Command.HEADER, set, null), `header ${set}`);
      return true;
    } catch (error) {
      if (error instanceof IpSetError && error.code === 'SET_MISSING') return false;
      throw error;
    }
  }

  /**
   * Makes a set with counters for up to `capacity` entries, with a bucket for each: the kernel never rehashes it.
   *
   * @param timeout seconds of an entry without a time of its own
   * @throws IpSetError
   */
  create(set: string, family: 4 | 6, capacity: number, timeout: number): void {
    this.#check(
      this.#addon.setsCreate(this.#handle, set, family === 6, capacity, timeout),
      `create ${set} hash:net`,
    );
  }

  /** Exchanges two sets: rules that name one see the other's entries. @throws IpSetError */
  swap(set: string, other: string): void {
    this.#check(this.#addon.setsCommand(this.#handle, Command.SWAP, set, other), `swap ${set} ${other}`);
  }

  /** Takes as long as the set is full. @throws IpSetError */
  flush(set: string): void {
    this.#check(this.#addon.setsCommand(this.#handle, Command.FLUSH, set, null), `flush ${set}`);
  }

  /** @throws IpSetError */
  destroy(set: string): void {
    this.#check(this.#addon.setsCommand(this.#handle, Command.DESTROY, set, null), `destroy ${set}`);
  }

  /** Adds entries, one a line; stops at the first error. @throws IpSetError */
  addMany(set: string, lines: string): Promise<void> {
    return this.#changeMany(Command.ADD, set, lines);
  }

  /** Removes entries, one a line. @throws IpSetError */
  removeMany(set: string, lines: string): Promise<void> {
    return this.#changeMany(Command.DEL, set, lines);
  }

  #changeMany(command: number, set: string, lines: string): Promise<void> {
    return this.#inTurn(async () =>
      this.#check(
        await this.#addon.setsChangeMany(this.#handle, command, set, lines),
        `${command === Command.ADD ? 'add to' : 'del from'} ${set}`,
      ),
    );
  }

  /** Adds all entries of one set to another, with counters and the times left. @throws IpSetError */
  copy(from: string, to: string): Promise<void> {
    return this.#inTurn(async () =>
      this.#check(await this.#addon.setsCopy(this.#handle, from, to), `copy ${from} to ${to}`),
    );
  }

  /**
   * All entries of a set, some hundred lines at a time, each with a line feed. The next ones are read while `visit` looks at
   * these, and no more.
   *
   * @throws IpSetError
   */
  list(set: string, visit: (lines: string) => void | Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      this.#check(this.#addon.setsList(this.#handle, set), `list ${set}`);
      let failed: { reason: unknown } | null = null;
      // Read to its end even when `visit` fails: the kernel keeps a listed set from being swapped.
      let ahead = this.#addon.setsListNext(this.#handle);
      for (;;) {
        const lines = await ahead;
        if (typeof lines === 'number') this.#check(lines, `list ${set}`);
        if (lines === '' || typeof lines === 'number') break;
        ahead = this.#addon.setsListNext(this.#handle);
        if (failed) continue;
        try {
          await visit(lines);
        } catch (reason) {
          failed = { reason };
        }
      }
      if (failed) throw failed.reason;
    });
  }

  /**
   * Number of entries of a set of any type; the kernel walks through those with time-outs to tell it.
   *
   * @throws IpSetError
   */
  count(set: string): Promise<number> {
    return this.#inTurn(async () => {
      const answer = await this.#addon.setsCount(this.#handle, set);
      if (answer < 0) throw errorOf(-answer, `count ${set}`);
      return answer;
    });
  }

  /**
   * A number that is another one after every change of the tables of nf_tables in this namespace, whoever made it; null
   * where the kernel tells none. What the legacy iptables programs do does not change it.
   */
  tableGeneration(): number | null {
    const answer = this.#addon.setsGeneration(this.#handle);
    return answer < 0 ? null : answer;
  }

  /** Waits for what is under way, then closes. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
    this.#addon.setsClose(this.#handle);
  }

  #check(number: number, what: string): void {
    if (number !== 0) throw errorOf(number, what);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new IpSetError('SYSTEM', 'closed'));
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
