// A Vite plugin that puts script and style into template.html: one file, whose policy lets nothing else run or load.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** What is part of the page; their licences ask to be part of it too. */
const PACKAGES = ['preact', '@preact/signals', '@preact/signals-core'];

export function singleFile(templatePath) {
  return {
    name: 'single-file',
    enforce: 'post',
    generateBundle(_, bundle) {
      const outputs = Object.values(bundle);
      const script = only(outputs.filter((o) => o.type === 'chunk').map((o) => o.code));
      const style = only(outputs.filter((o) => o.type === 'asset' && o.fileName.endsWith('.css')).map((o) => String(o.source)));
      for (const name of Object.keys(bundle)) delete bundle[name];
      const source = page(readFileSync(templatePath, 'utf8'), script.trim(), style.trim());
      this.emitFile({ type: 'asset', fileName: 'report.html', source });
    },
  };
}

function only(list) {
  if (list.length !== 1) throw new Error(`one script and one style are expected, not ${list.length}`);
  return list[0];
}

function page(template, script, style) {
  // In a script element, these end it or change how it is read; in strings and regular expressions they can be escaped.
  const safe = script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
  if (style.includes('</style')) throw new Error('the style ends its element');
  const policy = [
    "default-src 'none'",
    `script-src '${hash(safe)}'`,
    `style-src '${hash(style)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const parts = { LICENCES: licences(), POLICY: policy, STYLE: style, SCRIPT: safe };
  return Object.entries(parts).reduce((text, [name, value]) => {
    const place = `<!--${name}-->`;
    if (text.split(place).length !== 2) throw new Error(`${place} is expected once`);
    return text.replace(place, () => value);
  }, template);
}

function licences() {
  const texts = PACKAGES.map((name) => {
    const text = readFileSync(new URL(`../node_modules/${name}/LICENSE`, import.meta.url), 'utf8');
    return `This page contains ${name}:\n\n${text.trim()}`;
  });
  return `<!--\n${texts.join('\n\n').replaceAll('--', '- -')}\n-->`;
}

function hash(text) {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
