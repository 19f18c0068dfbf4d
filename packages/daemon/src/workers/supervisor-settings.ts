import type { Configuration } from '@portcullis/configuration';
import type { Mode } from '@portcullis/control';
import type { SourceSettings } from '@portcullis/engine';
import { EXTENSION_HEADERS_FOLLOWED, type MarkLayout } from '@portcullis/firewall';
import { failsOpen } from '../install-plan';
import { protocolSettings } from '../protocol-settings';
import type { SupervisorSettings } from './supervisor';

/** Sources that attack are dropped by the worker itself until the kernel has the ban. */
const HOLD_BLOCKED_MICROS = 2_000_000;

/** The queues of the configuration, by their numbers. */
export function queueSources(
  configuration: Configuration,
  marks: MarkLayout,
  mode: Mode,
): Map<number, SourceSettings> {
  const { nfqueue } = configuration;
  const failOpen = failsOpen(configuration, mode);
  const { first, last } = nfqueue.queues;
  const sources = new Map<number, SourceSettings>();
  for (let queue = first; queue <= last; queue++)
    sources.set(queue, {
      from: 'queue',
      queue,
      maxLength: nfqueue['max-length'],
      batchSize: nfqueue['batch-size'],
      receiveBuffer: nfqueue['receive-buffer'],
      failOpen,
      gso: nfqueue.gso,
      injectedMark: marks.injected,
    });
  return sources;
}

/** What the configuration says about the workers. */
export function supervisorSettings(
  configuration: Configuration,
  sources: ReadonlyMap<number, SourceSettings>,
  mode: Mode,
): SupervisorSettings {
  const { stream, flow } = configuration;
  const policy = configuration['exception-policy'];
  const acts = mode === 'standard';
  const queues = [...sources.values()].filter(({ from }) => from === 'queue').length;
  return {
    sources,
    thread: {
      inline: acts,
      stream: {
        maxFlows: flow['max-flows'],
        memcap: stream.memcap,
        depth: stream.reassembly.depth,
        midstream: stream.midstream ?? true,
        asyncOneside: stream['async-oneside'] ?? true,
        ...(queues > 1 && { extensionHeaders: EXTENSION_HEADERS_FOLLOWED }),
        policy: {
          memcap: policy.memcap ?? policy.default,
          flowTable: policy['flow-table'] ?? policy.default,
          gap: policy.gap ?? policy.default,
          midstream: policy.midstream ?? policy.default,
          decode: policy.decode ?? policy.default,
        },
      },
      appLayer: {
        memcap: configuration['app-layer'].memcap,
        policy: policy['app-layer-memcap'] ?? policy.default,
      },
      protocols: protocolSettings(configuration),
      decodePolicy: policy.decode ?? policy.default,
      holdBlockedMicros: configuration['block-attacking-hosts'] && acts ? HOLD_BLOCKED_MICROS : 0,
    },
  };
}
