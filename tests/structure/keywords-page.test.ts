/** docs/keywords.md says what the code says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ruleLanguage } from '@portcullis/engine';
import { languagePage } from '../../packages/cli/src/language-page';

test('the page of keywords is as `portcullis rules keywords --markdown` writes it', () => {
  const page = readFileSync(join(__dirname, '..', '..', 'docs', 'keywords.md'), 'utf8');
  expect(page).toBe(languagePage(ruleLanguage()));
});
