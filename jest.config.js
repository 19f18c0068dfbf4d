const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'commonjs' },
      // Beside the code: each suite compiles every module anew, and maps within would more than double their text.
      sourceMaps: true,
    },
  ],
};
// A package's own sources are tested as they stand; native addons need a build.
const moduleNameMapper = {
  '^@portcullis/(.*-binding)$': '<rootDir>/native/$1/src/index.ts',
  // Built into one file each: three hundred sources of protocols would be loaded again for every test file.
  '^@portcullis/([a-z-]+)$': '<rootDir>/packages/$1/dist/index.js',
};
/**
 * Each file runs in a vm context, where every look at a global goes through an interceptor: a hot loop that says
 * `Math.imul` would spend nine tenths of its time there. These are parameters of each module instead; what fake timers
 * replace (Date, performance, setTimeout) is not among them.
 */
const sandboxInjectedGlobals = [
  'Array ArrayBuffer Atomics BigInt Boolean Buffer DataView Error JSON Map Math Number Object RangeError Set',
  'SharedArrayBuffer String Symbol TypeError WeakMap Int8Array Int16Array Int32Array Float64Array BigInt64Array',
  'BigUint64Array Uint8Array Uint16Array Uint32Array',
].flatMap((names) => names.split(' '));
const shared = {
  rootDir: __dirname,
  testEnvironment: '<rootDir>/tests/environment.ts',
  transform,
  moduleNameMapper,
  sandboxInjectedGlobals,
};

const everywhere = (pattern) => [
  `<rootDir>/packages/*/src/**/${pattern}`,
  `<rootDir>/native/*/src/**/${pattern}`,
];

module.exports = {
  projects: [
    {
      ...shared,
      displayName: 'unit',
      globalSetup: '<rootDir>/tests/unit-in-memory.ts',
      setupFilesAfterEnv: ['<rootDir>/tests/unit-on-a-busy-machine.ts'],
      testMatch: [...everywhere('*.test.ts'), '<rootDir>/tests/{structure,bench,fuzz}/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '\\.lab\\.test\\.ts$', 'corpora\\.test\\.ts$'],
    },
    {
      ...shared,
      displayName: 'conformance',
      globalSetup: '<rootDir>/tests/bring-bundles-up-to-date.ts',
      testMatch: [...everywhere('*corpora.test.ts'), '<rootDir>/tests/conformance/**/*.test.ts'],
    },
    {
      // Whatever needs root and the real kernel; scripts/lab.mjs says what runs side by side.
      ...shared,
      displayName: 'lab',
      globalSetup: '<rootDir>/tests/bring-bundles-up-to-date.ts',
      setupFilesAfterEnv: ['<rootDir>/tests/lab/on-a-busy-machine.ts'],
      testMatch: [
        ...everywhere('*.lab.test.ts'),
        '<rootDir>/tests/{evasion,exhaustion,faults,lab,ops,soak}/**/*.test.ts',
      ],
    },
    {
      // The Debian package on a system of its own: takes minutes, 'npm run test:package'.
      ...shared,
      displayName: 'package',
      globalSetup: '<rootDir>/tests/bring-bundles-up-to-date.ts',
      testMatch: ['<rootDir>/tests/package/**/*.test.ts'],
    },
  ],
};
