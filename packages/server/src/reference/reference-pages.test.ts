import { expect, it } from 'vitest';
import { errorsPage, optionsPage } from './reference-pages.js';

const docs = (name: string): string => new URL(`../../../../docs/reference/${name}`, import.meta.url).pathname;

it('keeps the reference of options as the schema has it', async () => {
  await expect(optionsPage()).toMatchFileSnapshot(docs('options.md'));
});

it('keeps the reference of errors as the table has it', async () => {
  await expect(errorsPage()).toMatchFileSnapshot(docs('errors.md'));
});
