/**
 * For `node --require`: sources of the workspace are loaded as in `from-sources.cjs`, with a counter in every branch, so
 * that the fuzzer sees which input reaches new code. Literals are gathered too: they are the words of the formats.
 */
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { join, resolve, sep } = require('node:path');
const { parseSync, transformSync } = require('@swc/core');
require('../conformance/from-sources.cjs');

const root = resolve(__dirname, '../..');
const cache = join(root, 'node_modules', '.cache', 'portcullis-fuzz', 'code');
const LARGEST = 1 << 18;
const counters = new Uint8Array(LARGEST);
/** Shared with `coverage.ts`. */
const coverage = { counters, used: 0, modules: [] };
globalThis.portcullisFuzzCoverage = coverage;

/** What is measured: the sources of the packages, not the fuzzer and not what only tests use. */
function isMeasured(filename) {
  const path = filename.slice(root.length);
  return (
    /^\/(packages|native)\/[^/]+\/src\//.test(path.split(sep).join('/')) &&
    !path.startsWith('/packages/testkit/') &&
    !/\.(fixture|test)\.ts$/.test(path)
  );
}

const isBlock = ({ type }) => type === 'BlockStatement' || type === 'FunctionBody';

/** Adds `edits`: text to insert at byte offsets of the code. */
class Branches {
  count = 0;
  edits = [];
  tokens = new Set();

  constructor(base, code) {
    this.base = base;
    this.code = code;
  }

  counter() {
    return `$fuzz[${this.count++}]++`;
  }

  start({ span }) {
    return span.start - this.base;
  }

  end({ span }) {
    return span.end - this.base;
  }

  insert(at, text, closing) {
    this.edits.push({ at, text, closing, order: this.edits.length });
  }

  expression(node) {
    this.insert(this.start(node), `(${this.counter()},`, false);
    this.insert(this.end(node), ')', true);
  }

  statement(node) {
    if (!node) return;
    if (isBlock(node)) this.insert(this.start(node) + 1, `${this.counter()};`, false);
    else {
      this.insert(this.start(node), `{${this.counter()};`, false);
      this.insert(this.end(node), '}', true);
    }
  }

  visit(node) {
    switch (node.type) {
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ClassMethod':
      case 'PrivateMethod':
      case 'MethodProperty':
      case 'GetterProperty':
      case 'SetterProperty':
      case 'Constructor': {
        const body = node.body ?? node.function?.body;
        if (body) this.statement(body);
        break;
      }
      case 'ArrowFunctionExpression':
        if (isBlock(node.body)) this.statement(node.body);
        else this.expression(node.body);
        break;
      case 'IfStatement':
        this.statement(node.consequent);
        this.statement(node.alternate);
        break;
      case 'ForStatement':
      case 'ForInStatement':
      case 'ForOfStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
        this.statement(node.body);
        break;
      case 'CatchClause':
        this.statement(node.body);
        break;
      case 'SwitchCase':
        if (node.consequent.length > 0)
          this.insert(this.start(node.consequent[0]), `${this.counter()};`, false);
        break;
      case 'ConditionalExpression':
        this.expression(node.consequent);
        this.expression(node.alternate);
        break;
      case 'BinaryExpression':
        if (node.operator === '&&' || node.operator === '||' || node.operator === '??')
          this.expression(node.right);
        break;
      case 'StringLiteral':
        if (node.value.length > 1 && node.value.length <= 40) this.tokens.add(node.value);
        break;
    }
    for (const key of Object.keys(node)) {
      const value = node[key];
      if (key === 'span' || value === null || typeof value !== 'object') continue;
      if (Array.isArray(value)) {
        for (const each of value) {
          if (each === null || typeof each !== 'object') continue;
          // Arguments and elements are wrapped once more.
          this.visit(each.type === undefined && each.expression ? each.expression : each);
        }
      } else this.visit(value);
    }
  }

  result() {
    this.edits.sort((a, b) => a.at - b.at || Number(b.closing) - Number(a.closing) || a.order - b.order);
    const bytes = Buffer.from(this.code);
    const parts = [];
    let from = 0;
    for (const { at, text } of this.edits) {
      parts.push(bytes.subarray(from, at), Buffer.from(text));
      from = at;
    }
    parts.push(bytes.subarray(from));
    return Buffer.concat(parts).toString();
  }
}

function instrument(source, filename) {
  const { code } = transformSync(source, {
    filename,
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  });
  // Positions count from wherever the parser was: the first statement says where.
  const marked = `;${code}`;
  const tree = parseSync(marked, { syntax: 'ecmascript', target: 'es2022', isModule: false });
  const branches = new Branches(tree.body[0].span.start, marked);
  for (const statement of tree.body) branches.visit(statement);
  return { code: branches.result(), count: branches.count, tokens: [...branches.tokens] };
}

const version = createHash('sha1').update(readFileSync(__filename)).digest('hex');

function instrumented(filename) {
  const source = readFileSync(filename, 'utf8');
  const key = createHash('sha1').update(version).update(filename).update(source).digest('hex');
  const path = join(cache, `${key}.json`);
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    const made = instrument(source, filename);
    mkdirSync(cache, { recursive: true });
    writeFileSync(path, JSON.stringify(made));
    return made;
  }
}

const plain = require.extensions['.ts'];
require.extensions['.ts'] = (module, filename) => {
  if (!isMeasured(filename)) return plain(module, filename);
  const { code, count, tokens } = instrumented(filename);
  const first = coverage.used;
  if (first + count > LARGEST) return plain(module, filename);
  coverage.used += count;
  coverage.modules.push({ first, count, tokens, filename });
  const head = `const $fuzz=globalThis.portcullisFuzzCoverage.counters.subarray(${first},${first + count});`;
  module._compile(`"use strict";${head}${code}`, filename);
};
