import { ByteTransfer } from './byte-transfer';
import { Random, seeds } from './random.fixture';

test.each(seeds(1))('copies and compares as a byte loop does, at every alignment (SEED=%i)', (seed) => {
  const random = new Random(seed);
  const pool = new Uint8Array(1024);
  const transfer = new ByteTransfer(pool);
  for (let round = 0; round < (process.env.PORTCULLIS_LONG ? 1500 : 400); round++) {
    // Sources end anywhere in their buffer, also at its last byte.
    const buffer = random.bytes(random.between(1, random.chance(0.2) ? 1000 : 160));
    const offset = random.below(Math.min(8, buffer.length));
    const source = new Uint8Array(buffer.buffer, offset, buffer.length - offset);
    const from = random.below(source.length);
    const length = random.chance(0.3) ? source.length - from : random.below(source.length - from + 1);
    const to = random.below(pool.length - length + 1);
    const want = Uint8Array.from(pool);
    for (let index = 0; index < length; index++) want[to + index] = source[from + index];
    transfer.copy(source, from, to, length);
    if (Buffer.compare(pool, want) !== 0) throw new Error(`round ${round}: copied wrongly`);
    if (!transfer.equals(source, from, to, length)) throw new Error(`round ${round}: equal bytes differ`);
    if (length > 0) {
      const place = random.below(length);
      pool[to + place] ^= 1 << random.below(8);
      if (transfer.equals(source, from, to, length))
        throw new Error(`round ${round}: a difference is missed`);
    }
  }
});
