import type { Configuration } from '@portcullis/configuration';
import { keepDataSets } from '../data-set-files';
import type { Incidents } from '../incidents';
import type { Logger } from '../logger';
import { dataSetDirectory } from '../rule-source';
import type { Traffic } from '../traffic';
import type { Supervisor } from './supervisor';

export interface WorkerNewsParts {
  readonly log: Logger;
  readonly incidents: Incidents;
  readonly traffic: Traffic;
  configuration(): Configuration;
  /** What becomes of traffic that no worker attends to: `passes uninspected`, `is dropped`. */
  readonly unattendedTraffic: string;
}

/** Tells what becomes of the workers, and keeps what they have collected. Detections are somebody else's. */
export function tellOfWorkers(supervisor: Supervisor, parts: WorkerNewsParts): void {
  const { log, incidents, traffic, unattendedTraffic } = parts;
  const place = (number: number) => {
    const { pcap } = parts.configuration();
    return pcap.length === 0 ? `queue ${number}` : `mirror ${pcap[number]?.interface}`;
  };
  supervisor.on('dataSets', (files) => {
    try {
      keepDataSets(files, dataSetDirectory(parts.configuration()));
    } catch (error) {
      log.error(`data sets could not be kept: ${(error as Error).message}`);
    }
  });
  supervisor.on('lost', ({ queue, reason, thread }) => {
    incidents.count('worker-lost');
    traffic.retire(new Map([[queue, thread]]));
    log.error(
      `the worker of ${place(queue)} is lost: ${reason}; its traffic ${unattendedTraffic} until another takes over`,
    );
  });
  const unattended = new Set<number>();
  supervisor.on('replaced', ({ queue, milliseconds }) => {
    unattended.delete(queue);
    log.info(`${place(queue)} has a worker again after ${milliseconds} ms`);
  });
  supervisor.on('unattended', ({ queue, reason }) => {
    if (unattended.has(queue)) return;
    unattended.add(queue);
    log.error(`${place(queue)} has no worker: ${reason}; its traffic ${unattendedTraffic}; trying again`);
  });
}
