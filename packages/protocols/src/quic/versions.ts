/** Versions of QUIC that are told apart. */
export const QuicVersion = {
  NEGOTIATION: 0,
  V1: 0x00000001,
  V2: 0x6b3343cf,
  Q043: 0x51303433,
  Q044: 0x51303434,
  Q045: 0x51303435,
  Q046: 0x51303436,
  Q050: 0x51303530,
  FACEBOOK: 0xfaceb002,
} as const;

const FIRST_DRAFT = 0xff000000;
const LAST_DRAFT = 0xff0000ff;

/** Google's own, which is not encrypted as IETF's is. */
export function isGoogle(version: number): boolean {
  return version >= QuicVersion.Q043 && version <= QuicVersion.Q046;
}

/** Any version that was ever given a number by Google (`Q0..`, `T0..`) or by IETF. */
export function isKnownVersion(version: number): boolean {
  if (version === QuicVersion.V1 || version === QuicVersion.V2 || version === QuicVersion.FACEBOOK)
    return true;
  if (version >= FIRST_DRAFT && version <= LAST_DRAFT) return true;
  const letter = version >>> 24;
  const digits = [(version >>> 16) & 0xff, (version >>> 8) & 0xff, version & 0xff];
  return (letter === 0x51 || letter === 0x54) && digits.every((c) => c >= 0x30 && c <= 0x39);
}

/** Name as EVE writes it. */
export function versionName(version: number): string {
  return isGoogle(version) ? `Q0${version - QuicVersion.Q043 + 43}` : version.toString(16);
}

const SALT_V1 = '38762cf7f55934b34d179ae6a4c80cadccbb7f0a';
const SALT_V2 = '0dede3def700a6db819381be6e269dcbf9bd2ed9';
const SALT_DRAFT_29 = 'afbfec289993d24c9e9786f19c6111e04390a899';
const SALT_DRAFT_23 = 'c3eef712c72ebb5a11a7d2432bb46365bef9f502';
const SALT_Q050 = '504574efd066fe2f9d945cfcdbd3a7f0d3b56b45';

/** Salt of the keys of initial packets (RFC 9001 section 5.2, RFC 9369, the drafts); '' where there is none known. */
export function saltOf(version: number): string {
  if (version === QuicVersion.V1 || version === 0xff000021 || version === 0xff000022) return SALT_V1;
  if (version === QuicVersion.V2) return SALT_V2;
  if (version >= 0xff00001d && version <= 0xff000020) return SALT_DRAFT_29;
  if (version === QuicVersion.FACEBOOK || (version >= 0xff000017 && version <= 0xff00001c))
    return SALT_DRAFT_23;
  return version === QuicVersion.Q050 ? SALT_Q050 : '';
}
