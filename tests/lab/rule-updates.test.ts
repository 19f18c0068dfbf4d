/** Rules are fetched, switched and gone back from while the engine works. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Lab, waitUntil } from '@portcullis/testkit';
import { describeLab, LabEngine } from './engine';

const PORT = 80;
const rule = (sid: number, path: string) =>
  `alert http any any -> any any (msg:"${path}"; flow:established,to_server; http.uri; content:"${path}"; sid:${sid}; rev:1;)\n`;

describeLab('rules of a source', () => {
  let lab: Lab;
  let engine: LabEngine;
  let published: string;
  beforeAll(async () => {
    lab = new Lab('pcru');
    await lab.httpServer('server', PORT);
    engine = new LabEngine(lab, { ruleFiles: ['fetched'], enable: true });
    published = join(engine.directory, 'published.rules');
    writeFileSync(
      engine.configuration,
      `rule-sources: [{ name: local, url: "${pathToFileURL(published).href}", checksum: "off" }]\n`,
      { flag: 'a' },
    );
    await engine.start();
  }, 60_000);
  afterAll(() => {
    lab?.destroy();
    engine?.remove();
  });

  const get = (path: string) => lab.httpGet('attacker', path, { host: lab.target(4), port: PORT });
  const alerts = (sid: number) =>
    engine.events('alert').filter((record) => record.alert?.signature_id === sid).length;
  /** Requests until the rule tells one, or one with the other rule has been told without it. */
  async function tells(sid: number, path: string): Promise<void> {
    const before = alerts(sid);
    await get(path);
    await waitUntil(() => alerts(sid) > before, { what: `an alert of rule ${sid}` });
  }
  async function isSilent(sid: number, path: string, other: number, otherPath: string): Promise<void> {
    const before = alerts(sid);
    await get(path);
    await tells(other, otherPath);
    expect(alerts(sid)).toBe(before);
  }
  const done = async (...argv: string[]) => {
    const result = await engine.ask('rules', ...argv);
    expect([result.code, result.stderr]).toEqual([0, '']);
    return result.stdout;
  };

  test('are in force at once, and so is going back and switching one off and on', async () => {
    writeFileSync(published, `${rule(1, '/one') + rule(2, '/two')}# ${rule(3, '/three')}`);
    expect(await done('update')).toMatch(/2 rules, 0 cannot be loaded: in force now/);
    await tells(1, '/one');
    expect(await done('update')).toMatch(/up to date/);

    expect(await done('disable', '1')).toMatch(/1 is off/);
    await isSilent(1, '/one', 2, '/two');
    expect(await done('enable', '3')).toMatch(/3 is on/);
    await tells(3, '/three');
    expect(await done('enable', '1')).toMatch(/1 is on/);
    await tells(1, '/one');

    writeFileSync(published, rule(2, '/two') + rule(4, '/four'));
    await done('update');
    await tells(4, '/four');
    await isSilent(1, '/one', 2, '/two');

    expect(await done('rollback')).toMatch(/are back/);
    await tells(1, '/one');
    await isSilent(4, '/four', 2, '/two');
    const again = await engine.ask('rules', 'update');
    expect(again).toMatchObject({ code: 1, stderr: expect.stringMatching(/rolled back/) });
    expect(await done('rollback')).toMatch(/are back/);
    await tells(4, '/four');
  }, 60_000);

  test('are listed and shown with what holds for them', async () => {
    writeFileSync(published, `${rule(5, '/five')}#${rule(6, '/six')}alert http broken (msg:"x"; sid:7;)\n`);
    await done('update', '--force');
    await done('disable', '5');
    const { rules } = await engine.json<{
      rules: { sid: number; on: boolean; by: string; error?: string }[];
    }>('rules', 'list');
    expect(rules.map(({ sid, on, by, error }) => [sid, on, by, error !== undefined])).toEqual([
      [5, false, 'settings', false],
      [6, false, 'file', false],
      [7, true, 'file', true],
    ]);
    expect(await done('show', '6')).toMatch(/6 rev 1: off, .*published|local\.rules:2\nalert http any/);
    expect(await engine.ask('rules', 'disable', '99')).toMatchObject({ code: 1 });
    expect(await done('list', '--search', 'FIVE')).toMatch(/\/five/);
  }, 40_000);
});
