import { join } from 'node:path';
import { productDirectory } from './addon';

export { type NfQueueBatch, PacketInfo, QueueCounter, queueCounterCount, Verdict } from './batch';
export { NfQueueError, type NfQueueErrorCode } from './errors';
export { useHugePages } from './huge-pages';
export { IpSetError, type IpSetErrorCode, IpSets } from './ip-sets';
export { type EffectiveSettings, maxCopyRange, NfQueue, type NfQueueOptions } from './nf-queue';
export { parseQueueStatistics, type QueueStatistics, readQueueStatistics } from './queue-statistics';
export { RawSender, type RawSenderOptions, SendStatus, type SendStatusValue } from './raw-sender';
export { Capability, possibleCapabilities, restartWithCapabilities } from './rights';
export { listenTransparently, type TcpSocket, TcpSockets, TcpState, type TcpStateValue } from './tcp-sockets';
export { setThreadSlice } from './thread-slice';

/**
 * Path of the program that accepts everything over the same C code, the benchmark's limit. Built with the addon:
 * `accept-all --queue N [--gso 0|1] [--batch N] [--max-length N] [--fail-open 0|1]`.
 */
export function acceptAllPath(): string {
  return join(productDirectory, 'accept-all');
}
