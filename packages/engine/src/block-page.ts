import { type PacketView, TcpFlag } from '@portcullis/wire';
import { MAX_PAYLOAD, type PacketSender, SegmentBuilder } from './segment-builder';

const { ACK, FIN, PSH, RST } = TcpFlag;

/** How often a client that has not received its page gets it again. */
const MAX_REPEATS = 3;
/** Longest host name that a page repeats; the rest of it is cut. */
const SHOWN_HOST = 100;

/** What was answered in a server's name, for as long as the flow is known. */
export interface GivenAnswer {
  readonly response: Uint8Array;
  /** Sequence number of its first byte, and what of the client's bytes it acknowledges. */
  readonly sequence: number;
  readonly acknowledgment: number;
  repeats: number;
}

/**
 * Answers requests that are not let through with a page, in the name of the server, and ends the connection towards the
 * client: response and FIN are one segment, so that a connection tracker that has never seen the connection takes it
 * for none of its business instead of translating its addresses.
 */
export class BlockPage {
  private readonly segments = new SegmentBuilder();

  /** @param text HTML; `{host}` and `{category}` stand for what was asked for, and why it is not given */
  constructor(private readonly text: string) {}

  /**
   * Sends the page to where `request` comes from.
   * @param acknowledgment of what the client has sent, the request included
   * @param withBody false: only the head is wanted (HEAD)
   */
  send(
    request: PacketView,
    acknowledgment: number,
    about: { host: string; category: string },
    withBody: boolean,
    sender: PacketSender,
  ): GivenAnswer {
    const answer: GivenAnswer = {
      response: pageResponse(this.text, about, withBody),
      sequence: request.acknowledgment,
      acknowledgment,
      repeats: 0,
    };
    this.sendAnswer(request, answer, sender);
    return answer;
  }

  /** A packet of the client, who has been answered: once more where it has not come, a reset where it has. */
  again(packet: PacketView, answer: GivenAnswer, sender: PacketSender): void {
    const { tcpFlags } = packet;
    if ((tcpFlags & RST) !== 0 || (tcpFlags & ACK) === 0) return;
    const payload = packet.payloadEnd - packet.payload;
    if (payload === 0 && (tcpFlags & FIN) === 0) return;
    if (packet.acknowledgment === answer.sequence) {
      if (answer.repeats++ < MAX_REPEATS) this.sendAnswer(packet, answer, sender);
      return;
    }
    this.segments.sendBack(
      packet,
      { sequence: packet.acknowledgment, acknowledgment: 0, flags: RST },
      sender,
    );
  }

  private sendAnswer(packet: PacketView, answer: GivenAnswer, sender: PacketSender): void {
    const { sequence, acknowledgment, response: payload } = answer;
    this.segments.sendBack(packet, { sequence, acknowledgment, flags: PSH | ACK | FIN, payload }, sender);
  }
}

/** A whole HTTP/1.1 response that fits one segment. */
export function pageResponse(
  text: string,
  { host, category }: { host: string; category: string },
  withBody: boolean,
): Uint8Array {
  const filled = text
    .replaceAll('{host}', escapeHtml(host.slice(0, SHOWN_HOST)))
    .replaceAll('{category}', escapeHtml(category));
  const head = (length: number) =>
    [
      'HTTP/1.1 403 Forbidden',
      'Content-Type: text/html; charset=utf-8',
      `Content-Length: ${length}`,
      'Cache-Control: no-store',
      'Connection: close',
      '',
      '',
    ].join('\r\n');
  let body = Buffer.from(filled, 'utf8');
  const most = MAX_PAYLOAD - Buffer.byteLength(head(MAX_PAYLOAD));
  if (body.length > most) body = body.subarray(0, most);
  const response = Buffer.from(head(body.length), 'latin1');
  return withBody ? Buffer.concat([response, body]) : response;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** What clients see unless the configuration has a page of its own. */
export const DEFAULT_BLOCK_PAGE =
  '<!doctype html><meta charset="utf-8"><title>Blocked</title><body style="font:1em sans-serif;margin:3em"><h1>This address is blocked</h1><p><b>{host}</b> is on a list of web addresses in the category <b>{category}</b>.</p><p>If you think that this is a mistake, ask the administrator of this network.</p>\n';
