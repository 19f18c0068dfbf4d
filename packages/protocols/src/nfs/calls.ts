/**
 * What NFS calls and replies say of files, in all versions: which handle has which name, and where the bytes of a read or
 * write lie (RFC 1094, RFC 1813, RFC 7530, RFC 8881). Of version 4, operations are read as far as they are known.
 */

import type { XdrReader } from './xdr';

/** Bytes of a name that are kept. */
export const LONGEST_NAME = 1024;
const HANDLE_V2 = 32;
const MOST_OPERATIONS = 64;
const OK = 0;

/** What a call is about. */
export interface Call {
  readonly version: number;
  readonly procedure: number;
  /** Kind of it, whatever the version. */
  kind: number;
  /** Handle of the file that is read or written, or was looked up in. */
  handle: string;
  /** Name that is looked up or created. */
  name: Uint8Array | null;
  /** Place in the file of what is read. */
  offset: number;
  /** Of a compound: the operation that it is told by, 0 where there is none. */
  operation: number;
}

export const Kind = { OTHER: 0, READ: 1, WRITE: 2, LOOKUP: 3, COMMIT: 4 } as const;

/** Procedures of versions 2 and 3. */
const V2 = { LOOKUP: 4, READ: 6, WRITE: 8, CREATE: 9 } as const;
const V3 = { LOOKUP: 3, READ: 6, WRITE: 7, CREATE: 8, COMMIT: 21 } as const;
/** Operations of version 4. */
const Op = { ACCESS: 3, CLOSE: 4, COMMIT: 5, CREATE: 6, GETATTR: 9, GETFH: 10, LOOKUP: 15, LOOKUPP: 16, OPEN: 18, PUTFH: 22, PUTPUBFH: 23, PUTROOTFH: 24, READ: 25, READDIR: 26, READLINK: 27, REMOVE: 28, RENAME: 29, RENEW: 30, RESTOREFH: 31, SAVEFH: 32, WRITE: 38, SEQUENCE: 53, RECLAIM_COMPLETE: 58, } as const; // biome-ignore format: a table

/** Data that a message carries; `start` is below 0 where there is none. */
export const carried = { offset: 0, eof: false, start: -1, end: 0, length: 0 };
/** A handle that a reply gives a name. */
export const named = { handle: '' };

function carry(xdr: XdrReader, offset: number): void {
  if (!xdr.openOpaque()) return;
  carried.offset = offset;
  carried.start = xdr.dataStart;
  carried.end = xdr.dataEnd;
  carried.length = xdr.dataLength;
}

/** Reads the arguments of a call. What a write carries is in `carried`. */
export function readCall(xdr: XdrReader, version: number, procedure: number): Call {
  const call: Call = {
    version,
    procedure,
    kind: Kind.OTHER,
    handle: '',
    name: null,
    offset: 0,
    operation: 0,
  };
  carried.start = -1;
  carried.eof = false;
  if (version === 3) readCall3(xdr, call);
  else if (version === 2) readCall2(xdr, call);
  else if (version === 4 && procedure === 1) readCompound(xdr, call);
  return call;
}

function readCall2(xdr: XdrReader, call: Call): void {
  const { procedure } = call;
  if (procedure === V2.READ || procedure === V2.WRITE) {
    if (!xdr.fixed(HANDLE_V2)) return;
    call.handle = xdr.key();
    if (procedure === V2.WRITE) xdr.word();
    call.offset = xdr.word();
    xdr.word();
    if (xdr.failed) return;
    call.kind = procedure === V2.READ ? Kind.READ : Kind.WRITE;
    if (procedure === V2.WRITE) carry(xdr, call.offset);
  } else if (procedure === V2.LOOKUP || procedure === V2.CREATE) {
    xdr.skip(HANDLE_V2);
    if (xdr.opaque()) lookedUp(xdr, call);
  }
}

function readCall3(xdr: XdrReader, call: Call): void {
  const { procedure } = call;
  switch (procedure) {
    case V3.READ:
    case V3.WRITE:
    case V3.COMMIT: {
      if (!xdr.opaque()) return;
      call.handle = xdr.key();
      call.offset = xdr.long();
      xdr.word();
      if (procedure === V3.WRITE) xdr.word();
      if (xdr.failed) return;
      call.kind = procedure === V3.READ ? Kind.READ : procedure === V3.WRITE ? Kind.WRITE : Kind.COMMIT;
      if (procedure === V3.WRITE) carry(xdr, call.offset);
      return;
    }
    case V3.LOOKUP:
    case V3.CREATE:
      if (xdr.opaque() && xdr.opaque()) lookedUp(xdr, call);
      return;
    default:
      return;
  }
}

function lookedUp(xdr: XdrReader, call: Call): void {
  call.kind = Kind.LOOKUP;
  call.name = xdr.copy(LONGEST_NAME);
}

/** Kinds of CREATE that say more before the name. */
const NodeType = { BLOCK: 3, CHARACTER: 4, LINK: 5 } as const;

function attributes(xdr: XdrReader): void {
  xdr.skip(xdr.word() * 4);
  xdr.opaque();
}

/** OPEN (RFC 7530 section 16.16). */
function open(xdr: XdrReader, call: Call): void {
  xdr.skip(20);
  xdr.opaque();
  if (xdr.word() === 1) {
    const mode = xdr.word();
    if (mode >= 2) xdr.skip(8);
    if (mode !== 2) attributes(xdr);
  }
  const claim = xdr.word();
  if (claim === 1) xdr.word();
  else if (claim === 2) xdr.skip(16);
  // Claims of an object without a name.
  if (claim !== 0 && claim !== 2 && claim !== 3) return;
  if (xdr.opaque()) call.name = xdr.copy(LONGEST_NAME);
}

function readCompound(xdr: XdrReader, call: Call): void {
  // Tag and minor version.
  xdr.opaque();
  xdr.word();
  for (let left = Math.min(xdr.word(), MOST_OPERATIONS); left > 0 && !xdr.failed; left--) {
    switch (xdr.word()) {
      case Op.PUTFH:
        if (xdr.opaque()) call.handle = xdr.key();
        break;
      case Op.LOOKUP:
        if (xdr.opaque()) lookedUp(xdr, call);
        break;
      case Op.READ:
        xdr.skip(16);
        call.offset = xdr.long();
        xdr.word();
        if (!xdr.failed) call.kind = Kind.READ;
        break;
      case Op.WRITE: {
        xdr.skip(16);
        const offset = xdr.long();
        xdr.word();
        if (xdr.failed) return;
        call.kind = Kind.WRITE;
        carry(xdr, offset);
        break;
      }
      case Op.COMMIT:
        call.kind = Kind.COMMIT;
        xdr.skip(12);
        break;
      case Op.CLOSE:
        call.kind = Kind.COMMIT;
        xdr.skip(20);
        break;
      case Op.CREATE: {
        const type = xdr.word();
        if (type === NodeType.LINK) xdr.opaque();
        else if (type === NodeType.BLOCK || type === NodeType.CHARACTER) xdr.skip(8);
        if (xdr.opaque()) call.name = xdr.copy(LONGEST_NAME);
        call.operation = Op.CREATE;
        attributes(xdr);
        break;
      }
      case Op.REMOVE:
        if (xdr.opaque()) call.name = xdr.copy(LONGEST_NAME);
        call.operation = Op.REMOVE;
        break;
      case Op.RENAME:
        xdr.opaque();
        xdr.opaque();
        break;
      case Op.OPEN:
        open(xdr, call);
        break;
      case Op.GETATTR:
        xdr.skip(xdr.word() * 4);
        break;
      case Op.ACCESS:
        xdr.word();
        break;
      case Op.SEQUENCE:
        xdr.skip(32);
        break;
      case Op.RENEW:
        xdr.long();
        break;
      case Op.READDIR:
        xdr.skip(24);
        xdr.skip(xdr.word() * 4);
        break;
      case Op.RECLAIM_COMPLETE:
        xdr.word();
        break;
      case Op.GETFH:
      case Op.LOOKUPP:
      case Op.PUTPUBFH:
      case Op.PUTROOTFH:
      case Op.READLINK:
      case Op.RESTOREFH:
      case Op.SAVEFH:
        break;
      default:
        return;
    }
  }
}

/** Reads the results of an accepted call: data into `carried`, a new handle into `named`. */
export function readReply(xdr: XdrReader, call: Call): void {
  carried.start = -1;
  carried.eof = false;
  named.handle = '';
  if (call.version === 4) {
    readCompoundReply(xdr, call);
    return;
  }
  if (xdr.word() !== OK || xdr.failed) return;
  if (call.version === 2) {
    if (call.kind === Kind.READ) {
      xdr.skip(68);
      carry(xdr, call.offset);
    } else if (call.kind === Kind.LOOKUP && xdr.fixed(HANDLE_V2)) named.handle = xdr.key();
    return;
  }
  if (call.kind === Kind.READ) {
    if (xdr.word() !== 0) xdr.skip(84);
    xdr.word();
    carried.eof = xdr.word() !== 0;
    if (!xdr.failed) carry(xdr, call.offset);
  } else if (call.kind === Kind.LOOKUP) {
    // CREATE may give none.
    if (call.procedure === V3.CREATE && xdr.word() === 0) return;
    if (xdr.opaque()) named.handle = xdr.key();
  }
}

/** The result of OPEN: what matters is only where it ends. */
function opened(xdr: XdrReader): void {
  xdr.skip(40);
  xdr.skip(xdr.word() * 4);
  const delegation = xdr.word();
  if (delegation === 0) return;
  if (delegation === 3) {
    if (xdr.word() <= 2) xdr.word();
    return;
  }
  xdr.skip(delegation === 2 ? 32 : 20);
  xdr.skip(12);
  xdr.opaque();
}

function readCompoundReply(xdr: XdrReader, call: Call): void {
  xdr.word();
  xdr.opaque();
  for (let left = Math.min(xdr.word(), MOST_OPERATIONS); left > 0 && !xdr.failed; left--) {
    const operation = xdr.word();
    if (xdr.word() !== OK) return;
    switch (operation) {
      case Op.READ:
        carried.eof = xdr.word() !== 0;
        carry(xdr, call.offset);
        break;
      case Op.GETFH:
        if (xdr.opaque()) named.handle = xdr.key();
        break;
      case Op.GETATTR:
        xdr.skip(xdr.word() * 4);
        xdr.opaque();
        break;
      case Op.ACCESS:
        xdr.long();
        break;
      case Op.CREATE:
        xdr.skip(20);
        xdr.skip(xdr.word() * 4);
        break;
      case Op.REMOVE:
        xdr.skip(20);
        break;
      case Op.RENAME:
        xdr.skip(40);
        break;
      case Op.OPEN:
        opened(xdr);
        break;
      case Op.SEQUENCE:
        xdr.skip(36);
        break;
      case Op.COMMIT:
        xdr.skip(8);
        break;
      case Op.CLOSE:
        xdr.skip(16);
        break;
      case Op.WRITE:
        xdr.skip(16);
        break;
      case Op.PUTFH:
      case Op.LOOKUP:
      case Op.LOOKUPP:
      case Op.PUTPUBFH:
      case Op.PUTROOTFH:
      case Op.RENEW:
      case Op.RESTOREFH:
      case Op.SAVEFH:
      case Op.RECLAIM_COMPLETE:
        break;
      default:
        return;
    }
  }
}
