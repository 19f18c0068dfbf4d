import { FIRST_BUFFER } from '../buffer-ranges';
import { MESSAGE_READ } from '../framing/message-parser';
import { type BufferDefinition, Direction } from '../transaction';

const FIRST = FIRST_BUFFER.ike;

export const IkeBuffer = {
  INIT_SPI: FIRST,
  RESP_SPI: FIRST + 1,
  CHOSEN_SA_ATTRIBUTE: FIRST + 2,
  EXCHTYPE: FIRST + 3,
  VENDOR: FIRST + 4,
  KEY_EXCHANGE_PAYLOAD: FIRST + 5,
  KEY_EXCHANGE_PAYLOAD_LENGTH: FIRST + 6,
  NONCE_PAYLOAD: FIRST + 7,
  NONCE_PAYLOAD_LENGTH: FIRST + 8,
} as const;

const B = IkeBuffer;
const CLIENT = [Direction.TO_SERVER];
const SERVER = [Direction.TO_CLIENT];
const BOTH = [...CLIENT, ...SERVER];

function row(
  name: string,
  id: number,
  directions: readonly Direction[],
  more: Partial<BufferDefinition> = {},
): BufferDefinition {
  return {
    name,
    id,
    protocol: 'ike',
    directions,
    progress: MESSAGE_READ,
    streaming: false,
    multiple: false,
    ...more,
  };
}

/**
 * Buffers of one message. Identifiers (`ike.init_spi`, `ike.resp_spi`, `ike.vendor`) are hexadecimal digits in lower
 * case. `ike.chosen_sa_attribute` is for the keyword of that name: five bytes for each attribute of the association
 * that the responder has chosen, its number (`SaAttribute`) and its value, big-endian.
 */
export const IKE_BUFFERS: readonly BufferDefinition[] = [
  row('ike.init_spi', B.INIT_SPI, CLIENT),
  row('ike.resp_spi', B.RESP_SPI, SERVER),
  row('ike.chosen_sa_attribute', B.CHOSEN_SA_ATTRIBUTE, SERVER),
  row('ike.exchtype', B.EXCHTYPE, BOTH, { integer: { bytes: 1 } }),
  row('ike.vendor', B.VENDOR, CLIENT, { multiple: true }),
  row('ike.key_exchange_payload', B.KEY_EXCHANGE_PAYLOAD, BOTH),
  row('ike.key_exchange_payload_length', B.KEY_EXCHANGE_PAYLOAD_LENGTH, BOTH, { integer: { bytes: 4 } }),
  row('ike.nonce_payload', B.NONCE_PAYLOAD, BOTH),
  row('ike.nonce_payload_length', B.NONCE_PAYLOAD_LENGTH, BOTH, { integer: { bytes: 4 } }),
];

/** Numbers of the attributes of an association (RFC 2409 appendix A), with the names that rules use. */
export const SaAttribute = {
  alg_enc: 1,
  alg_hash: 2,
  alg_auth: 3,
  alg_dh: 4,
  sa_group_type: 5,
  sa_group_prime: 6,
  sa_group_generator_one: 7,
  sa_group_generator_two: 8,
  sa_group_curve_a: 9,
  sa_group_curve_b: 10,
  sa_life_type: 11,
  sa_life_duration: 12,
  alg_prf: 13,
  sa_key_length: 14,
  sa_field_size: 15,
  sa_group_order: 16,
} as const;

export const IkeEvent = {
  MALFORMED_DATA: 'ike.malformed_data',
  NO_ENCRYPTION: 'ike.no_encryption',
  WEAK_CRYPTO_ENC: 'ike.weak_crypto_enc',
  WEAK_CRYPTO_PRF: 'ike.weak_crypto_prf',
  WEAK_CRYPTO_DH: 'ike.weak_crypto_dh',
  WEAK_CRYPTO_AUTH: 'ike.weak_crypto_auth',
  WEAK_CRYPTO_NO_DH: 'ike.weak_crypto_no_dh',
  WEAK_CRYPTO_NO_AUTH: 'ike.weak_crypto_no_auth',
  INVALID_PROPOSAL: 'ike.invalid_proposal',
  UNKNOWN_PROPOSAL: 'ike.unknown_proposal',
  PAYLOAD_EXTRA_DATA: 'ike.payload_extra_data',
  MULTIPLE_SERVER_PROPOSAL: 'ike.multiple_server_proposal',
} as const;
