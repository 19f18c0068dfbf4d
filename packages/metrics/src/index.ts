export { SharedHistogram } from './histogram';
export { createRegistry, type HistogramDefinition, type MetricDefinition, type Sample } from './registry';
export { type MetricsAddress, MetricsServer, parseListenAddress } from './server';
export { SharedCounters } from './shared-counters';
