import { Random, testSeed } from '../../testing/random';
import { BufferPool, PooledBytes } from '../buffer-pool';
import { InflateStatus } from './inflate';
import { LzmaDecoder } from './lzma';

const pool = new BufferPool();

/** Made with `xz --format=lzma`, by their literal and position bits, with and without the size in the head. */
const SAMPLES: readonly { name: string; coded: string; plain: Buffer }[] = [
  {
    name: 'text',
    coded: [
      'XQAAAQD//////////wA2GkofCKAmA00Gne/tjKE/yCxsjPuu05v/0yLQAN6Tq4K9kXSDGBfF+WytUIOBb9V/Bm6Tkx7OwWJQtR9sO/4tuKkf1A',
      'z41rCFlRtB562KG0yun2TXAetF2V09zaPHEDjAEp3FTRiZBS5ZZDx3UIEYopq+99/ZIC+iSVDaqVwb5wGiH+jTetkZiY+ajwfhzgUCQPaINwV1',
      '7cObzpXucDX8LEkQSJBmSD9mUMWZU3lMyfwR/978l4HaO/aYUI9gb1OHjPwqKkXOT2GuOEuCiX7XZyuJM7C2W7pCnn53FUHjxVA17jizCnN8iY',
      'Nf0qwvA6wqtb9bz8XAMhuc7fAANPyc/0OIOZ0dqueg8MdDDK/HNfHV9cAiFvSss+4XjKx9Ji2y+ADgzKiEapRE/TNymkw0ZBpu8HMBcgKxJrFw',
      'jR68OgF7855wZkf0RFMkUzizbJrosyTGqJROkThlCzxEHl5eSJXhmzL2WgX3qp68kUqf/Yg3Nl7Ny9nQhNk1eW3CBEidP2qkxtXAwgI05QhR0q',
      'uSDT5cYGKZoX+vi/NFi+401ofZvzcZCQpVV+8cKqOebs+1zdIkhY+0H/xvgO7rHVzGASlUbUa84iouGH5k+SsKrWYaYQ5FQZ/xzmX42ZNtxjdy',
      'd52yA3do+aVe3YDAUMxBnHK99953vpCR8aqdUzSMcHyZlzbBqNXqnmxViAmkJ6tvvOwFquu6XQLXntoFYi5Jb3nvMRmBN/+g1JBxn/5G3YIi1H',
      'f7qeWuRSSea+DLTG4xC4goEAYowhsSSyB4ejvunr+wq7Ros16Efh6dU34/ySv2308tl/JP8DKjebZeMSNpoPtFdqiNbqoAT5M841UG+OSfFkoF',
      'L8Lfo+XY7xPfmjmjDd33VRY+Rucol+2z9nnsCJD6BVm0Joi38Y5efhhauOADRX0NJazIvUEtIOcx35vZ498zpaBqvSdVEHY2bVv08hIwKhOYZU',
      'AGuZmmRJRBzIttjvsTVdTjboGhaeew4lOfBvzlS5T2w7x9lRN0xYvg8JDq0fmEz4A=',
    ].join(''),
    plain: Buffer.from(
      Array.from({ length: 300 }, (_, i) => `line ${i} of a text, and ${(i * i) % 97} more\n`).join(''),
    ),
  },
  {
    name: 'bytes, literals by position, size known',
    coded: [
      'EgAAAQAsAQAAAAAAAAAAAdHNo7M/cllF0v1xBE+SJNz2eIagpsEYIP7bJIJvehXuTK1AOKTB39Fi7LAfCxYSjw9gc8JnII81vbcloSOo/Kn057',
      '9qlwwMFUrkJUMnHBFhluYLcn87a8YmsyiXk8hNj4hBVPQ8mibdCiA0CEKNz7kumPlKOcdQbBCs8WV5qvZaeh/JWbnHG42NmDPH8CU8KY+P/xgk',
      '6Jhq/4Fsrq4MNLDArBTcS2Hoz6xrxh2Rf6jfyjivdPG6exP1p+cILTWUlgsJhdc0jeHPlJXMBgdlrubAENObyi3x6Mgh8luON2khmuoVFPATIf',
      'h/L8ICV2r26nNY0jlo5zRyr2yN0KxVUKFtq/AhHITrHixWdjV5lZLKYrOLe++yljXuJHDFOsfaFZ/WcALe4qU64luoXL/qwKi3s/uC///v3YAA',
    ].join(''),
    plain: Buffer.from(Array.from({ length: 300 }, (_, i) => (i * i * 7 + Math.floor(i / 3)) & 255)),
  },
  {
    name: 'zeros',
    coded: [
      'uAAAAQD//////////wAAb/3//6O3/0c+SBiUrNiD0EAvUuUsm4g0RDkUF95Noyc7hYd1Le5Xvk70TRyAYmn/bjM33Uo5pJ+NT5NtWFM/Jw3sEU',
      'r9bfLQtBPw+5MOVMBBfbIz7Q9TUkm/qUkmyd3xkf819flORSY/fci5l2jRlWaE6uf//51oAAA=',
    ].join(''),
    plain: Buffer.alloc(100_000),
  },
];

function decode(pieces: readonly Uint8Array[], limit = 200_000): { out: Buffer; status: number } {
  const sink = new PooledBytes(pool, limit);
  const decoder = new LzmaDecoder();
  decoder.begin(sink);
  let status: number = InflateStatus.MORE;
  for (const piece of pieces) {
    status = decoder.push(piece, 0, piece.length, sink);
    if (status !== InflateStatus.MORE) break;
  }
  if (status === InflateStatus.MORE) decoder.finish(sink);
  decoder.release();
  const out = Buffer.from(sink.bytes.subarray(0, sink.end));
  sink.clear();
  return { out, status };
}

describe.each(SAMPLES)('$name', ({ coded, plain }) => {
  const bytes = Buffer.from(coded, 'base64');

  test('is decoded, however it is cut', () => {
    const seed = testSeed();
    const random = new Random(seed);
    for (const largest of [bytes.length, 1, 2, 21, 100]) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; ) {
        const size = largest === bytes.length ? largest : 1 + random.next(largest);
        pieces.push(bytes.subarray(at, at + size));
        at += size;
      }
      expect([seed, largest, decode(pieces).out.equals(plain)]).toEqual([seed, largest, true]);
    }
  });

  test('gives what there is when it is cut short, and no more than there is room for', () => {
    const half = decode([bytes.subarray(0, bytes.length >> 1)]).out;
    expect(plain.subarray(0, half.length).equals(half)).toBe(true);
    const full = decode([bytes], 200);
    expect([full.status, full.out.equals(plain.subarray(0, 200))]).toEqual([InflateStatus.FULL, true]);
  });
});

test('heads that cannot be', () => {
  const bytes = Buffer.from(SAMPLES[0].coded, 'base64');
  const changed = (at: number, value: number) => {
    const copy = Buffer.from(bytes);
    copy[at] = value;
    return decode([copy]);
  };
  expect(changed(0, 225).status).toBe(InflateStatus.INVALID);
  expect(changed(0, 8 + 9 * 4).status).toBe(InflateStatus.INVALID);
  expect(changed(13, 1).status).toBe(InflateStatus.INVALID);
  expect(changed(4, 0x80).out.equals(SAMPLES[0].plain)).toBe(true);
});

test('mutated and random streams: nothing is thrown, nothing is endless', () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (let round = 0; round < 200; round++) {
    const bytes = Buffer.from(random.pick(SAMPLES).coded, 'base64');
    for (let n = random.next(5); n >= 0; n--) bytes[random.next(bytes.length)] = random.next(256);
    try {
      decode([bytes.subarray(0, random.next(bytes.length + 1)), bytes], 5000);
    } catch (error) {
      throw new Error(`SEED=${seed} round ${round}: ${(error as Error).stack}`);
    }
  }
});
