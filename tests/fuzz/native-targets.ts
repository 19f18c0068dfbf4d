/** Harnesses for libFuzzer over the native code, in `native/`. */

import { spawnSync } from 'node:child_process';

export interface NativeTarget {
  readonly name: string;
  readonly weight: number;
  /** Source in `native/`. */
  readonly harness: string;
  /** What it is linked with, from the root of the repository. */
  readonly sources: readonly string[];
  /** Calls of the system that the harness answers itself. */
  readonly wrapped: readonly string[];
  /** Further words for the compiler and the linker. */
  readonly flags: readonly string[];
  seeds(): Iterable<Uint8Array>;
}

const QUEUE = 'native/nfqueue-binding/src';
const PATTERNS = 'native/pattern-binding/addon';

const hex = (...texts: string[]) => texts.map((text) => Buffer.from(text.replace(/\s/g, ''), 'hex'));

/** A packet as the kernel hands it to queue 7: header, mark, interface, time, hardware address, checksum, payload. */
const QUEUED = `84000000 0003 0000 00000000 00000000 02 00 0007
  0b000100 00000001 0800 01 00  08000300 00000005  08000400 00000002
  14000600 0000000065000000 0000000000000007  10000800 0006 0000 020000000001 0000
  08000e00 00000001  08000c00 00000000  1c000900 4500001c00004000401100000a0000010a0000020035003500080000`;

/** An entry of a listing: 192.0.2.0/24 with time and counters. */
const LISTED = `00 00 01 58 05000100 06000000 54000880 50000780
  0c000180 08000140 c0000200 05000300 18000000 08000640 0000003c
  0c001940 0000000000000001 0c001840 0000000000000028 08000840 00000000`;

function unavailable(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status !== 0;
}

export function nativeTargets(): { targets: readonly NativeTarget[]; missing: string | null } {
  if (unavailable('clang', '--version'))
    return { targets: [], missing: 'clang is not installed (apt-get install clang)' };
  const sockets = ['socket', 'setsockopt', 'close', 'sendto'];
  const targets: NativeTarget[] = [
    {
      name: 'native/queue-message',
      weight: 200,
      harness: 'queue_message.c',
      sources: [`${QUEUE}/message.c`],
      wrapped: [],
      flags: [],
      seeds: () =>
        hex(QUEUED, '24000000 0200 0000 01000000 00000000 ffffffff 00000000 00000000 00000000 00000000'),
    },
    {
      name: 'native/checksums',
      weight: 130,
      harness: 'checksums.c',
      sources: [`${QUEUE}/checksum.c`],
      wrapped: [],
      flags: [],
      seeds: () =>
        hex(
          '4500001c 00004000 40110000 0a000001 0a000002 0035 0035 0008 0000',
          '45000028 00004000 40060000 0a000001 0a000002 0035 0035 00000001 00000002 5010 ffff 0000 0000',
          '60000000 0018 2b 40 00000000000000000000000000000001 00000000000000000000000000000002 3a 00 04 00 00000000 8000 0000 00010002 0000000000000000',
        ),
    },
    {
      name: 'native/verdicts',
      weight: 35,
      harness: 'verdicts.c',
      sources: [`${QUEUE}/queue.c`, `${QUEUE}/message.c`, `${QUEUE}/checksum.c`],
      wrapped: [...sockets, 'sendmsg', 'recvfrom', 'recvmmsg', 'bind', 'getsockname', 'getsockopt'],
      flags: [],
      seeds: () => hex(`01 03 ${'00 00 1a 4500002e'.repeat(3)} ${'11 00 21 00'.repeat(8)}`),
    },
    {
      name: 'native/ip-sets',
      weight: 80,
      harness: 'ip_sets.c',
      sources: [`${QUEUE}/ip_set.c`],
      wrapped: ['sendto', 'recv'],
      flags: ['-pthread'],
      seeds: () => [
        ...hex(`00 00 01 ${LISTED}`),
        Buffer.from(
          '\x01\x00\x60192.0.2.0/24 timeout 60 packets 1 bytes 40 nomatch\n2001:db8::1 timeout 5\n',
        ),
        Buffer.from('\x02\x20192.0.2.1 timeout 60'),
      ],
    },
    {
      name: 'native/sockets',
      weight: 55,
      harness: 'sockets.c',
      sources: [`${QUEUE}/socket_diag.c`],
      wrapped: [...sockets, 'recv'],
      flags: [],
      seeds: () => hex(`00ff 01 00 0201 ${'0050c000'.repeat(18)} 04`),
    },
    {
      name: 'native/literals',
      weight: 65,
      harness: 'literals.cc',
      sources: [`${PATTERNS}/literal_search.cc`],
      wrapped: [],
      flags: [],
      seeds: () => [
        Buffer.from('\x01\x05\x11GET /index.html HTTP/1.1 GET /Index.HTML'),
        Buffer.alloc(80, 'ab'),
      ],
    },
    {
      name: 'native/byte-patterns',
      weight: 20,
      harness: 'byte_patterns.cc',
      sources: [`${PATTERNS}/byte_patterns.cc`],
      wrapped: [],
      flags: [],
      seeds: () =>
        hex('04 02 08 01 02 0161 00 0262 01 0163 00 0344 01 0545 00 6162636465 41424344', '18'.repeat(90)),
    },
    {
      name: 'native/regexes',
      weight: 1,
      harness: 'regexes.cc',
      sources: [`${PATTERNS}/regex_search.cc`],
      wrapped: [],
      flags: ['-DPCRE2_CODE_UNIT_WIDTH=8', '-lpcre2-8'],
      seeds: () =>
        [
          '(a+)+b',
          '^GET\\s+/(?:a|b){2,5}',
          '(?<n>x)\\1$',
          '\\Ga|b',
          '[^a-f]{3,}?\\d',
          '(?i)(?>ab|a)bc',
          '(*COMMIT)a',
        ].map((pattern) =>
          Buffer.concat([
            Buffer.of(1, 5, pattern.length),
            Buffer.from(pattern + 'aaaaGET /abab xx 123'.repeat(9)),
          ]),
        ),
    },
  ];
  return { targets, missing: null };
}
