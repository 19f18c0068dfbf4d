export type {
  BanEntry,
  FirewallBackend,
  KernelBan,
  PacketCount,
  RemovalOptions,
  RemovalReport,
} from './backend';
export { type Ban, type BanException, type BanOrigin, ORIGINS as BAN_ORIGINS, PERMANENT } from './ban';
export type { BanEvent } from './ban-event';
export type { BanRequest } from './ban-request';
export {
  BanService,
  type BanServiceOptions,
  type ReconcileReport,
  type StartReport,
} from './ban-service';
export type { DecoyPlan } from './decoys';
export { FirewallError, type FirewallErrorCode } from './errors';
export type { ScanExclusion } from './exclusions';
export { LocalGuard, localRefusal } from './guards';
export { parseSetHeaders } from './ipset';
export type { IptablesVariant } from './iptables';
export type { LoadReport } from './journal';
export { isOwnJump } from './jumps';
export { KernelFirewall, type KernelFirewallOptions } from './kernel-firewall';
export { BanLedger } from './ledger';
export { MarkLayout, OFFLOAD_GENERATIONS } from './marks';
export { MemoryFirewall } from './memory-firewall';
export { Chain, SetName } from './names';
export { checkPlan, type InstallPlan, type QueuedProtocol } from './plan';
export { normalisePorts, type PortRange, type PortSelection } from './ports';
export { banRefusal, checkDuration, LONGEST_BAN_SECONDS, Prefix } from './prefix';
export { EXTENSION_HEADERS_FOLLOWED } from './spread';
export type { RemoveReport } from './unblocking';
