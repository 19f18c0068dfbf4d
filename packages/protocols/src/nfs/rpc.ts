/** Headers of remote procedure calls (ONC RPC version 2, RFC 5531). */

import type { XdrReader } from './xdr';

export const NFS_PROGRAM = 100_003;
export const RPC_VERSION = 2;
export const MessageType = { CALL: 0, REPLY: 1 } as const;

/** Credentials and verifiers are at most this long (section 8.2). */
const LONGEST_AUTHENTICATION = 400;

/** What a header said that was read last. */
export const rpc = { xid: 0, type: 0, program: 0, version: 0, procedure: 0, accepted: false };

/** Reads the header of a call or reply. @returns false where it is none */
export function readRpc(xdr: XdrReader): boolean {
  rpc.xid = xdr.word();
  rpc.type = xdr.word();
  if (rpc.type === MessageType.CALL) {
    if (xdr.word() !== RPC_VERSION) return false;
    rpc.program = xdr.word();
    rpc.version = xdr.word();
    rpc.procedure = xdr.word();
    return authentication(xdr) && authentication(xdr);
  }
  if (rpc.type !== MessageType.REPLY) return false;
  rpc.accepted = xdr.word() === 0;
  if (!rpc.accepted) return !xdr.failed;
  if (!authentication(xdr)) return false;
  rpc.accepted = xdr.word() === 0;
  return !xdr.failed;
}

function authentication(xdr: XdrReader): boolean {
  xdr.word();
  return xdr.opaque() && xdr.dataLength <= LONGEST_AUTHENTICATION;
}
