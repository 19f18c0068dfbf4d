/** Encryption types of Kerberos (IANA, Kerberos Parameters) by the names rules have for them. */
export const ENCRYPTION_TYPES: ReadonlyMap<string, number> = new Map([
  ['des-cbc-crc', 1],
  ['des-cbc-md4', 2],
  ['des-cbc-md5', 3],
  ['des3-cbc-md5', 5],
  ['des3-cbc-sha1', 7],
  ['dsaWithSHA1-CmsOID', 9],
  ['md5WithRSAEncryption-CmsOID', 10],
  ['sha1WithRSAEncryption-CmsOID', 11],
  ['rc2CBC-EnvOID', 12],
  ['rsaEncryption-EnvOID', 13],
  ['rsaES-OAEP-ENV-OID', 14],
  ['des-ede3-cbc-Env-OID', 15],
  ['des3-cbc-sha1-kd', 16],
  ['aes128-cts-hmac-sha1-96', 17],
  ['aes256-cts-hmac-sha1-96', 18],
  ['aes128-cts-hmac-sha256-128', 19],
  ['aes256-cts-hmac-sha384-192', 20],
  ['rc4-hmac', 23],
  ['rc4-hmac-exp', 24],
  ['camellia128-cts-cmac', 25],
  ['camellia256-cts-cmac', 26],
  ['subkey-keymaterial', 65],
  ['rc4-md4', -128],
  ['rc4-plain2', -129],
  ['rc4-lm', -130],
  ['rc4-sha', -131],
  ['des-plain', -132],
  ['rc4-hmac-OLD', -133],
  ['rc4-plain-OLD', -134],
  ['rc4-hmac-OLD-exp', -135],
  ['rc4-plain-OLD-exp', -136],
  ['rc4-plain', -140],
  ['rc4-plain-exp', -141],
]);

const STRONG: ReadonlySet<number> = new Set([17, 18, 19, 20, 25, 26]);

/** All but AES and Camellia are weak or out of date. */
export function isWeakEncryption(type: number): boolean {
  return !STRONG.has(type);
}

export function encryptionName(type: number): string {
  for (const [name, number] of ENCRYPTION_TYPES) if (number === type) return name;
  return `unknown-${type}`;
}
