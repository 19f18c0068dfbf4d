import {
  circumstances,
  engineFacts,
  firewallFacts,
  NO_ENGINE,
  NOTHING_STANDS,
} from '../../testing/fake-host';
import { checkBanSets, checkPortSet } from './sets';

const withSets = (sets: (text: string) => string, changes = {}) =>
  circumstances({ firewall: firewallFacts({ sets }), ...changes });
const without = (name: string) => (text: string) =>
  text
    .split('\n\n')
    .filter((block) => !block.startsWith(`Name: ${name}\n`))
    .join('\n\n');
const holding = (entries: number) => (text: string) => text.replace('entries: 3', `entries: ${entries}`);

describe('ban sets', () => {
  test.each([
    [3, 'ok', 'portcullis_ban4 holds 3 of 1000, portcullis_ban6 holds 0 of 1000'],
    [799, 'ok', 'portcullis_ban4 holds 799 of 1000, portcullis_ban6 holds 0 of 1000'],
    [800, 'warning', 'portcullis_ban4 holds 800 of 1000'],
    [999, 'warning', 'portcullis_ban4 holds 999 of 1000'],
    [1000, 'failed', 'portcullis_ban4 holds 1000 of 1000: full'],
  ] as const)('with %d entries: %s', (entries, state, seen) => {
    expect(checkBanSets(withSets(holding(entries)))).toMatchObject({ state, seen });
  });

  test('that are missing', () => {
    const finding = checkBanSets(withSets(without('portcullis_ban6')));
    expect(finding).toMatchObject({ state: 'failed', seen: 'portcullis_ban6 is not there' });
    const none = circumstances({ engine: NO_ENGINE, firewall: firewallFacts(NOTHING_STANDS) });
    expect(checkBanSets(none).state).toBe('unknown');
    expect(checkBanSets({ ...none, mode: 'monitoring' }).state).toBe('ok');
    expect(checkBanSets({ ...none, firewall: { problem: 'ipset is not installed' } }).state).toBe('unknown');
  });
});

describe('the ports set', () => {
  const empty = (text: string) => text.replace('entries: 12', 'entries: 0');

  test('says which ports', () => {
    expect(checkPortSet(circumstances())).toMatchObject({ state: 'ok', seen: '12 TCP ports (TCP 80)' });
    expect(checkPortSet(circumstances({ engine: NO_ENGINE })).seen).toBe('12 TCP ports');
  });

  test('is empty though rules ask for ports', () => {
    for (const engine of [engineFacts(), NO_ENGINE])
      expect(checkPortSet(withSets(empty, { engine }))).toMatchObject({
        state: 'failed',
        seen: expect.stringMatching(/is empty/),
      });
  });

  test('is empty because no rule asks for one', () => {
    const engine = engineFacts({
      ports: { text: 'TCP ', any_port_rules: 0, any_port_sids: [], reply_payload: true },
    });
    expect(checkPortSet(withSets(empty, { engine })).state).toBe('warning');
  });

  test('is gone', () => {
    expect(checkPortSet(withSets(without('portcullis_ports'))).state).toBe('failed');
    const none = circumstances({ engine: NO_ENGINE, firewall: firewallFacts(NOTHING_STANDS) });
    expect(checkPortSet(none).state).toBe('unknown');
    expect(checkPortSet({ ...none, firewall: { problem: 'no ipset' } }).state).toBe('unknown');
  });
});
