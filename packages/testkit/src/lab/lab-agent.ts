import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type AgentMessage,
  type AgentMethod,
  type AgentMethods,
  type AgentReply,
  type AgentRequest,
  splitFrames,
} from './agent-protocol';

// Seen from src and from dist alike: the agent runs as a program of its own, so it must be built.
const AGENT = join(dirname(require.resolve('@portcullis/testkit/package.json')), 'dist', 'lab', 'agent.js');

/** What an agent's method failed with; `code` is the system's, e.g. ECONNREFUSED. */
export class LabAgentError extends Error {
  override readonly name = 'LabAgentError';

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The end of what the agent wrote to its standard error is kept for messages. */
const MAX_STDERR = 16_384;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** The lab's end of the channel to an agent in a namespace. */
export class LabAgent {
  /** Called with each frame that arrives after `openFrames`. */
  onFrame: (frame: Uint8Array) => void = () => {};
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private stderr = '';
  private asked: AgentRequest[] = [];

  constructor(readonly namespace: string) {
    if (!existsSync(AGENT)) throw new Error(`${AGENT} is missing: run 'npm run build'`);
    this.child = spawn('ip', ['netns', 'exec', namespace, process.execPath, AGENT], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      serialization: 'advanced',
      // Options of the calling Node.js (debuggers, loaders) are not for the agent.
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-MAX_STDERR);
    });
    this.child.on('message', (message: AgentMessage) => {
      if ('frames' in message) for (const frame of splitFrames(message.frames)) this.onFrame(frame);
      else for (const reply of message.replies) this.settle(reply);
    });
    this.child.on('error', (error) => this.fail(error.message));
    this.child.on('exit', (code, signal) => this.fail(`it ended with ${signal ?? code}`));
  }

  call<M extends AgentMethod>(
    method: M,
    params: Parameters<AgentMethods[M]>[0],
  ): Promise<ReturnType<AgentMethods[M]>> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      if (this.asked.length === 0) setImmediate(() => this.send());
      this.asked.push({ id, method, params });
    });
  }

  stop(): void {
    if (this.child.connected) this.child.disconnect();
    this.child.kill('SIGKILL');
  }

  private send(): void {
    const requests = this.asked;
    this.asked = [];
    if (!this.child.connected) this.fail('it has ended');
    else this.child.send(requests);
  }

  private settle(reply: AgentReply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (reply.error !== undefined) waiting?.reject(new LabAgentError(reply.error.code, reply.error.message));
    else waiting?.resolve(reply.result);
  }

  private fail(reason: string): void {
    const error = new LabAgentError(
      'AGENT',
      `the agent in ${this.namespace} does not answer: ${reason}\n${this.stderr}`,
    );
    for (const waiting of this.waiting.values()) waiting.reject(error);
    this.waiting.clear();
  }
}
