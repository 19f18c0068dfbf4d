import { FIRST_BUFFER } from '../buffer-ranges';
import { showBytes } from '../buffer-view';
import { writeInteger } from '../integer-view';
import {
  type BufferDefinition,
  type BufferView,
  type Direction,
  Direction as Directions,
  type IntegerBuffer,
  type MatchState,
  type Transaction,
} from '../transaction';
import type { LdapMessage } from './message';
import { OPERATION_NUMBERS, RESULT_NUMBERS } from './names';
import { TextList } from './text-list';

const LdapBuffer = {
  REQUEST_OPERATION: 0,
  REQUEST_NAME: 1,
  REQUEST_TYPES: 2,
  /** These grow with every response; number i is that of response i. */
  RESPONSE_OPERATION: 3,
  /** Which response it is, counted from 1: all numbers up to the one there are. */
  RESPONSE_COUNT: 4,
  RESULT_CODE: 5,
  RESPONSE_NAME: 6,
  RESPONSE_TEXT: 7,
  RESPONSE_TYPES: 8,
} as const;

/** Progress of a direction. */
export const LdapProgress = { NONE: 0, BEGUN: 1, COMPLETE: 2 } as const;

const B = LdapBuffer;
const FIRST = FIRST_BUFFER.ldap;
const REQUEST: readonly Direction[] = [Directions.TO_SERVER];
const RESPONSE: readonly Direction[] = [Directions.TO_CLIENT];
const OPERATIONS: IntegerBuffer = { bytes: 1, names: OPERATION_NUMBERS };

function request(
  id: number,
  name: string,
  integer: IntegerBuffer | null,
  multiple = false,
): BufferDefinition {
  return {
    name: `ldap.request.${name}`,
    id: FIRST + id,
    protocol: 'ldap',
    directions: REQUEST,
    progress: LdapProgress.BEGUN,
    streaming: false,
    multiple,
    ...(integer && { integer }),
  };
}

function responses(id: number, name: string, integer: IntegerBuffer | null): BufferDefinition {
  return {
    name: `ldap.responses.${name}`,
    id: FIRST + id,
    protocol: 'ldap',
    directions: RESPONSE,
    progress: LdapProgress.COMPLETE,
    streaming: true,
    multiple: true,
    ...(integer && { integer }),
  };
}

export const LDAP_BUFFERS: readonly BufferDefinition[] = [
  request(B.REQUEST_OPERATION, 'operation', OPERATIONS),
  request(B.REQUEST_NAME, 'dn', null),
  request(B.REQUEST_TYPES, 'attribute_type', null, true),
  responses(B.RESPONSE_OPERATION, 'operation', OPERATIONS),
  responses(B.RESPONSE_COUNT, 'count', { bytes: 4 }),
  responses(B.RESULT_CODE, 'result_code', { bytes: 4, names: RESULT_NUMBERS }),
  responses(B.RESPONSE_NAME, 'dn', null),
  responses(B.RESPONSE_TEXT, 'message', null),
  responses(B.RESPONSE_TYPES, 'attribute_type', null),
];

/** Responses of a request that are told one by one; further ones are only counted. */
const MOST_RESPONSES = 4096;

/** A request with its responses. */
export class LdapTransaction implements Transaction {
  matchState: MatchState = null;
  readonly progressed: [number, number] = [LdapProgress.NONE, LdapProgress.NONE];
  /** Number that the request has on the wire; NaN where there was none. */
  messageId = Number.NaN;
  requestOperation = -1;
  startsTls = false;
  /** The request is being shown. */
  showing = false;
  responseCount = 0;
  readonly operations: number[] = [];
  /** Result codes of the responses that have one. */
  readonly results: number[] = [];
  private names: TextList | null = null;
  private texts: TextList | null = null;
  private types: TextList | null = null;
  /** Responses and results that were there when they were last shown. */
  private shownResponses = 0;
  private shownResults = 0;

  constructor(
    readonly id: number,
    private readonly message: LdapMessage,
  ) {}

  progress(direction: Direction): number {
    return this.progressed[direction];
  }

  /** Adds the response in `message`. */
  addResponse(message: LdapMessage): void {
    this.responseCount++;
    if (this.operations.length >= MOST_RESPONSES) return;
    this.operations.push(message.operation);
    if (message.result >= 0) this.results.push(message.result);
    this.names ??= new TextList();
    this.texts ??= new TextList();
    this.names.add(message.bytes, Math.max(0, message.nameStart), Math.max(0, message.nameEnd));
    this.texts.add(message.bytes, Math.max(0, message.textStart), Math.max(0, message.textEnd));
    if (message.typeCount === 0) return;
    this.types ??= new TextList();
    for (let i = 0; i < message.typeCount; i++) {
      this.types.add(message.bytes, message.types[2 * i], message.types[2 * i + 1]);
    }
  }

  /** The responses that are there have been looked at. */
  passResponses(): void {
    this.shownResponses = this.operations.length;
    this.shownResults = this.results.length;
    this.names?.passed();
    this.texts?.passed();
    this.types?.passed();
  }

  /** Memory, in bytes; itself about 300. */
  get heldBytes(): number {
    const lists = [this.names, this.texts, this.types];
    const texts = lists.reduce((sum, list) => sum + (list?.heldBytes ?? 0), 0);
    return 300 + texts + 8 * (this.operations.length + this.results.length);
  }

  buffer(id: number, index: number, out: BufferView): boolean {
    switch (id - FIRST) {
      case B.RESPONSE_OPERATION:
        return number(this.operations, index, 1, this.shownResponses, out);
      case B.RESPONSE_COUNT:
        if (index >= this.operations.length) return false;
        writeInteger(out, index + 1, 4);
        if (index < this.shownResponses) out.fresh = out.end;
        return true;
      case B.RESULT_CODE:
        return number(this.results, index, 4, this.shownResults, out);
      case B.RESPONSE_NAME:
        return this.names?.show(index, out) ?? false;
      case B.RESPONSE_TEXT:
        return this.texts?.show(index, out) ?? false;
      case B.RESPONSE_TYPES:
        return this.types?.show(index, out) ?? false;
      default:
        return this.showing && this.requestBuffer(id - FIRST, index, out);
    }
  }

  private requestBuffer(id: number, index: number, out: BufferView): boolean {
    const { message } = this;
    switch (id) {
      case B.REQUEST_OPERATION:
        return index === 0 && writeInteger(out, message.operation, 1);
      case B.REQUEST_NAME:
        if (index > 0 || message.nameStart < 0) return false;
        return showBytes(out, message.bytes, message.nameStart, message.nameEnd);
      case B.REQUEST_TYPES:
        if (index >= message.typeCount) return false;
        return showBytes(out, message.bytes, message.types[2 * index], message.types[2 * index + 1]);
      default:
        return false;
    }
  }

  /** Texts of a response for those who tell of it. */
  toldResponse(index: number): { dn: string; message: string } {
    return { dn: this.names?.text(index) ?? '', message: this.texts?.text(index) ?? '' };
  }
}

function number(
  values: readonly number[],
  index: number,
  bytes: 1 | 4,
  shown: number,
  out: BufferView,
): boolean {
  if (index >= values.length) return false;
  writeInteger(out, values[index], bytes);
  if (index < shown) out.fresh = out.end;
  return true;
}
