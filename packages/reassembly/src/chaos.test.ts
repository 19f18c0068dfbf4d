import { chaos } from './chaos.fixture';
import { Random, seeds } from './random.fixture';

test.each(seeds(process.env.PORTCULLIS_LONG ? 12 : 5))(
  'nothing breaks, and nothing is left over (SEED=%i)',
  (seed) => {
    chaos(new Random(seed), process.env.PORTCULLIS_LONG ? 1500 : 400);
  },
);
