import { createHmac } from 'node:crypto';

/**
 * The key a shared secret stands for: what follows `whsec_` is base64 (the Standard Webhooks form), anything else is
 * taken as it stands.
 */
export function webhookKey(secret: string): Buffer {
  const text = secret.trim();
  return text.startsWith('whsec_')
    ? Buffer.from(text.slice('whsec_'.length), 'base64')
    : Buffer.from(text, 'utf8');
}

/** `webhook-signature` as Standard Webhooks has it: HMAC-SHA256 over id, time and body. */
export function webhookSignature(key: Buffer, id: string, seconds: number, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`;
}
