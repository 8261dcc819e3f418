import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

/** WCAG 2.2, relative luminance and contrast ratio. */
function luminance(colour: string): number {
  const channel = (at: number) => {
    const c = parseInt(colour.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

function tokens(): Record<string, string>[] {
  const css = readFileSync('src/styles/tokens.css', 'utf8');
  return css
    .split(/\n\}/)
    .map((block) => Object.fromEntries([...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1], m[2]])))
    .filter((theme) => 'ground' in theme);
}

test('text can be read in both themes', () => {
  const themes = tokens();
  assert.equal(themes.length, 2);
  for (const theme of themes) {
    const pairs: [string, string][] = [];
    for (const ground of ['ground', 'panel', 'raised', 'accent-ground']) {
      for (const text of ['text', 'dim', 'warn', 'bad']) pairs.push([text, ground]);
    }
    pairs.push(['good', 'panel'], ['accent', 'accent-ground'], ['accent', 'low-ground'], ['accent', 'ground'], ['warn', 'warn-ground'], ['bad', 'bad-ground'], ['text', 'warn-ground']);
    for (const fill of Object.keys(theme).filter((name) => /^node-(?!text|dim)/.test(name))) {
      pairs.push(['node-text', fill], ['node-dim', fill]);
    }
    const weak = pairs.map(([a, b]) => [a, b, contrast(theme[a], theme[b]).toFixed(2)] as const).filter(([, , ratio]) => Number(ratio) < 4.5);
    assert.deepEqual(weak, []);
  }
});
