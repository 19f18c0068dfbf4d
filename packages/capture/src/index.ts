export { CaptureBatch } from './batch';
export { CaptureError, CaptureErrorCode } from './capture-error';
export { type CaptureFileOptions, CaptureFileSource } from './capture-file-source';
export { describeLinkType } from './link-type-names';
export {
  type MemoryPacket,
  MemorySource,
  type MemorySourceOptions,
  type MemoryVerdict,
} from './memory-source';
export {
  MirrorCapture,
  type MirrorCaptureOptions,
  MirrorError,
  MirrorErrorCode,
} from './mirror-capture';
export { MirrorSource, type MirrorSourceOptions } from './mirror-source';
export { Hook, type PacketBatch, PacketInfo, type PacketSource, Verdict } from './source';
