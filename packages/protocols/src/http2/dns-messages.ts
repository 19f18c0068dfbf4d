/** The DNS messages that HTTP/2 carries (RFC 8484): in bodies, and in the query of a GET. */

import { FIRST_BUFFER } from '../buffer-ranges';
import { DnsTransaction } from '../dns/dns-transaction';
import { DnsMessage, Reading } from '../dns/message';
import { type BufferView, type Direction, Direction as Directions } from '../transaction';
import type { Fields } from './fields';
import type { Http2Stream } from './stream';

/** A DNS message is at most this long. */
export const LONGEST_DNS_MESSAGE = 65_535;

const ascii = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const MEDIA_TYPE = 'application/dns-message';
const CONTENT_TYPE = ascii('content-type');
const ACCEPT = ascii('accept');
const PARAMETER = /[?&]dns=([A-Za-z0-9_-]*)/;

const view: BufferView = {
  bytes: new Uint8Array(0),
  start: 0,
  end: 0,
  streamOffset: 0,
  fresh: 0,
  complete: false,
};

function isMediaType(value: Uint8Array | null): boolean {
  if (value === null || value.length < MEDIA_TYPE.length || value.length > 200) return false;
  return Buffer.from(value)
    .toString('latin1')
    .toLowerCase()
    .split(',')
    .some((type) => type.trim() === MEDIA_TYPE);
}

/** Whether the fields of a message say that it is or wants DNS. */
export function speaksOfDns(fields: Fields): boolean {
  return isMediaType(fields.value(CONTENT_TYPE)) || isMediaType(fields.value(ACCEPT));
}

/** Reads DNS messages; one for all parsers of a worker, because a message is shown as soon as it was read. */
export class DnsReader {
  private readonly tx = new DnsTransaction(new DnsMessage(), FIRST_BUFFER.dns);

  /** Puts the message of a direction that has ended before the rules. @returns false where there is none */
  read(stream: Http2Stream, direction: Direction): boolean {
    const bytes = this.bytesOf(stream, direction);
    if (!bytes || this.tx.message.read(view.bytes, view.start, view.end) !== Reading.READ) return false;
    this.tx.begin(stream.id, direction, direction === Directions.TO_CLIENT);
    stream.dns = this.tx;
    return true;
  }

  /** Sets `view`. */
  private bytesOf(stream: Http2Stream, direction: Direction): boolean {
    const body = stream.bodies[direction];
    if (body !== null && isMediaType(stream.fields[direction].value(CONTENT_TYPE))) {
      if (body.cut || body.length === 0 || body.length > LONGEST_DNS_MESSAGE) return false;
      body.view(view);
      return true;
    }
    const { path } = stream.fields[Directions.TO_SERVER];
    if (direction === Directions.TO_CLIENT || path === null) return false;
    const found = PARAMETER.exec(Buffer.from(path).toString('latin1'));
    if (found === null) return false;
    const message = Buffer.from(found[1], 'base64url');
    if (message.length === 0 || message.length > LONGEST_DNS_MESSAGE) return false;
    view.bytes = message;
    view.start = 0;
    view.end = message.length;
    return true;
  }
}
