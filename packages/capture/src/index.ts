export { type PacketBatch, PacketInfo, type PacketSource, Verdict } from './source';
