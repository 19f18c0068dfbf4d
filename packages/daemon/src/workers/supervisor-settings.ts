import type { MarkLayout } from '@portcullis/firewall';
import type { Configuration } from '../configuration/schema';
import type { Mode } from '../registration';
import type { SupervisorSettings } from './supervisor';

/** Sources that attack are dropped by the worker itself until the kernel has the ban. */
const HOLD_BLOCKED_MICROS = 2_000_000;

/** What the configuration says about queues and their workers. */
export function supervisorSettings(
  configuration: Configuration,
  marks: MarkLayout,
  mode: Mode,
): SupervisorSettings {
  const { nfqueue, stream, flow } = configuration;
  const policy = configuration['exception-policy'];
  const acts = mode === 'standard';
  return {
    queues: nfqueue.queues,
    queue: {
      maxLength: nfqueue['max-length'],
      batchSize: nfqueue['batch-size'],
      receiveBuffer: nfqueue['receive-buffer'],
      failOpen: nfqueue['fail-open'] || !acts,
      gso: nfqueue.gso,
      injectedMark: marks.injected,
    },
    thread: {
      inline: acts,
      stream: {
        maxFlows: flow['max-flows'],
        memcap: stream.memcap,
        depth: stream.reassembly.depth,
        midstream: stream.midstream ?? true,
        asyncOneside: stream['async-oneside'] ?? true,
        policy: {
          memcap: policy.memcap ?? policy.default,
          flowTable: policy['flow-table'] ?? policy.default,
          gap: policy.gap ?? policy.default,
          midstream: policy.midstream ?? policy.default,
          decode: policy.decode ?? policy.default,
        },
      },
      decodePolicy: policy.decode ?? policy.default,
      holdBlockedMicros: configuration['block-attacking-hosts'] && acts ? HOLD_BLOCKED_MICROS : 0,
    },
  };
}
