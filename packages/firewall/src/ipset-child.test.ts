import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import type { ResidentChild } from './command';
import { ResidentIpset } from './ipset-child';

/** A stand-in for the `ipset -` process: same dialogue, and it can be told to misbehave. */
class FakeIpset extends EventEmitter {
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly commands: string[] = [];
  killed = false;
  private partial = '';

  constructor(
    private readonly answer: (command: string) => string | 'die' | 'hang' | undefined,
    private readonly chunk = 1000,
  ) {
    super();
    this.stdin.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.partial + text).split('\n');
      this.partial = lines.pop() ?? '';
      for (const line of lines) if (!this.killed) this.take(line);
    });
    this.stdin.on('end', () => this.emit('close', 0));
  }

  private take(line: string): void {
    const marker = /^list \. (portcullis-\d+)$/.exec(line);
    if (marker) {
      this.say(`ipset v7.17: Unknown argument ${marker[1]}\nTry \`ipset help' for more information.\n`);
      return;
    }
    this.commands.push(line);
    const answer = this.answer(line);
    if (answer === 'die' || answer === 'hang') {
      this.killed = true;
      if (answer === 'die') setImmediate(() => this.emit('close', null));
    } else if (answer !== undefined) {
      this.say(answer);
    }
  }

  /** Unbuffered: in pieces of any size. */
  private say(text: string): void {
    for (let at = 0; at < text.length; at += this.chunk) this.stderr.write(text.slice(at, at + this.chunk));
  }

  kill(): void {
    this.killed = true;
    setImmediate(() => this.emit('close', null));
  }
}

function resident(children: FakeIpset[], options = {}): ResidentIpset {
  let next = 0;
  const runner = { resident: () => children[next++] as unknown as ResidentChild };
  return new ResidentIpset(runner, options);
}

describe('ResidentIpset', () => {
  test.each([1, 7, 1000])('commands succeed and fail in order, answers in pieces of %i', async (chunk) => {
    const child = new FakeIpset(
      (command) => (command.includes('bad') ? `ipset v7.17: Syntax error: ${command}\n` : undefined),
      chunk,
    );
    const ipset = resident([child], { window: 3 });
    const commands = Array.from(
      { length: 20 },
      (_, index) => `add ${index % 3 === 1 ? 'bad' : 'good'}${index}`,
    );
    const results = await Promise.allSettled(commands.map((command) => ipset.run(command)));
    results.forEach((result, index) => {
      expect(result.status).toBe(index % 3 === 1 ? 'rejected' : 'fulfilled');
      if (result.status === 'rejected') {
        expect(result.reason).toMatchObject({ code: 'IPSET_FAILED', command: `ipset ${commands[index]}` });
        expect(result.reason.stderr).toContain(commands[index]);
      }
    });
    expect(child.commands).toEqual(commands);
    await ipset.close();
    await expect(ipset.run('add late')).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test.each([
    ['ipset v7.17: The set with the given name does not exist\n', 'SET_MISSING'],
    ['ipset v7.17: Hash is full, cannot add more elements\n', 'SET_FULL'],
  ])('%s', async (answer, code) => {
    const ipset = resident([new FakeIpset(() => answer)]);
    await expect(ipset.run('add x')).rejects.toMatchObject({ code });
    await ipset.close();
  });

  test('a child that dies is replaced; what it had not answered is given to the next one, in order', async () => {
    const first = new FakeIpset((command) => (command === 'add 2' ? 'die' : undefined));
    const second = new FakeIpset(() => undefined);
    const ipset = resident([first, second]);
    await Promise.all([1, 2, 3, 4].map((number) => ipset.run(`add ${number}`)));
    expect(first.commands).toEqual(['add 1', 'add 2']);
    expect(second.commands).toEqual(['add 2', 'add 3', 'add 4']);
    await ipset.close();
  });

  test('a command that every child dies of is given up, the others are not', async () => {
    const children = [1, 2, 3, 4].map(
      () => new FakeIpset((command) => (command === 'add deadly' ? 'die' : undefined)),
    );
    const ipset = resident(children);
    const deadly = ipset.run('add deadly');
    const good = ipset.run('add good');
    await expect(deadly).rejects.toMatchObject({ code: 'IPSET_FAILED' });
    await good;
    await ipset.close();
  });

  test('a child that does not answer is replaced', async () => {
    const ipset = resident([new FakeIpset(() => 'hang'), new FakeIpset(() => undefined)], {
      stallMilliseconds: 20,
    });
    await ipset.run('add 1');
    await ipset.close();
  });

  test('no more than the capacity waits', async () => {
    const first = new FakeIpset(() => 'hang');
    const ipset = resident([first, new FakeIpset(() => undefined)], { capacity: 2 });
    const accepted = [ipset.run('a'), ipset.run('b')];
    await expect(ipset.run('c')).rejects.toMatchObject({ code: 'IPSET_BUSY' });
    first.kill();
    await Promise.all(accepted);
    await ipset.close();
  });

  test('without the program every command says so', async () => {
    const child = new FakeIpset(() => 'hang');
    const ipset = resident([child]);
    const command = ipset.run('add 1');
    child.emit('error', Object.assign(new Error('spawn ipset ENOENT'), { code: 'ENOENT' }));
    await expect(command).rejects.toMatchObject({ code: 'IPSET_MISSING' });
    await ipset.close();
  });
});
