/**
 * What is told together with the failure of a test: whoever reads it may have nothing but the message, of a machine that is
 * gone. The environment of the tests (environment.ts) asks for it.
 */
declare global {
  /** Each gives a few lines, or none. */
  var circumstances: Set<() => string>;
}

const LINES = 12;

/** Has the end of what a program says told with each failure in this file. */
export function tellOf(name: string, program: { readonly stdout: string; readonly stderr: string }): void {
  globalThis.circumstances.add(() => {
    const lines = `${program.stdout}\n${program.stderr}`.split('\n').filter((line) => line !== '');
    return [`${name} said at the end:`, ...lines.slice(-LINES)].join('\n  ');
  });
}
