import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runStory } from './story.js';

const folder = new URL('../../testdata/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));

/** With `ZKL_STORIES=rewrite` the files are given the outcome that they have now: read the difference before you keep it. */
const isRewriting = process.env['ZKL_STORIES'] === 'rewrite';

describe('stories', () => {
  it('there are some', () => {
    expect(files.length).toBeGreaterThan(10);
  });

  it.each(files)('%s', (name) => {
    const url = new URL(name, folder);
    const text = readFileSync(url, 'utf8');
    const played = runStory(text);
    if (isRewriting) writeFileSync(url, played);
    else expect(played).toBe(text);
  });

  it('an outcome that differs shows', () => {
    const text = 'cluster 1\nsettle\n----\nnothing\n';
    expect(runStory(text)).not.toBe(text);
  });
});
