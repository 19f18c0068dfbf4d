import type { Registry } from 'prom-client';
import { SharedHistogram } from './histogram';

/** One number, with labels where a name has several. Never a label that holds an address. */
export interface Sample {
  value: number;
  labels?: Readonly<Record<string, string>>;
}

type Samples = readonly Sample[] | number;

export interface MetricDefinition {
  /** Without the prefix; counters end in `_total`. */
  name: string;
  help: string;
  type: 'counter' | 'gauge';
  /** A promise where the number has to be asked for; none at all where nobody answers. */
  read(): Samples | Promise<Samples>;
}

export interface HistogramDefinition {
  name: string;
  help: string;
  read(): readonly { labels?: Readonly<Record<string, string>>; histogram: SharedHistogram }[];
}

const PREFIX = 'portcullis_';

/**
 * A registry whose values are read when somebody asks, not pushed when something happens: the numbers live in
 * the workers' shared memory and in the services that own them.
 */
export function createRegistry(
  metrics: readonly MetricDefinition[],
  histograms: readonly HistogramDefinition[] = [],
): Registry {
  // Loaded here because most who import this package, every inspection thread among them, have no registry.
  const prometheus = require('prom-client') as typeof import('prom-client');
  const registry = new prometheus.Registry();
  prometheus.collectDefaultMetrics({ register: registry, prefix: PREFIX });
  for (const metric of metrics) {
    registry.registerMetric(readingMetric(metric) as never);
  }
  for (const histogram of histograms) {
    registry.registerMetric(readingHistogram(histogram) as never);
  }
  return registry;
}

/** prom-client asks a metric only for `name` and `get()`; the values are read at that moment. */
function readingMetric(metric: MetricDefinition) {
  const name = PREFIX + metric.name;
  return {
    name,
    async get() {
      const read = await metric.read();
      const samples = typeof read === 'number' ? [{ value: read }] : read;
      return {
        name,
        help: metric.help,
        type: metric.type,
        aggregator: 'sum',
        values: samples.map((sample) => ({ value: sample.value, labels: { ...(sample as Sample).labels } })),
      };
    },
    reset() {},
  };
}

function readingHistogram(definition: HistogramDefinition) {
  const name = PREFIX + definition.name;
  return {
    name,
    async get() {
      const values: { metricName: string; value: number; labels: Record<string, string | number> }[] = [];
      for (const { labels, histogram } of definition.read()) {
        const { counts, sumSeconds, count } = histogram.read();
        let cumulative = 0;
        SharedHistogram.BOUNDS.forEach((bound, index) => {
          cumulative += counts[index] as number;
          values.push({ metricName: `${name}_bucket`, value: cumulative, labels: { le: bound, ...labels } });
        });
        values.push({ metricName: `${name}_bucket`, value: count, labels: { le: '+Inf', ...labels } });
        values.push({ metricName: `${name}_sum`, value: sumSeconds, labels: { ...labels } });
        values.push({ metricName: `${name}_count`, value: count, labels: { ...labels } });
      }
      return { name, help: definition.help, type: 'histogram', aggregator: 'sum', values };
    },
    reset() {},
  };
}
