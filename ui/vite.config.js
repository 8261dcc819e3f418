import { defineConfig } from 'vite';

import { singleFile } from './scripts/single-file.js';

export default defineConfig({
  build: {
    target: 'es2022',
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    rollupOptions: {
      input: 'src/main.tsx',
      output: { format: 'iife' },
    },
  },
  plugins: [singleFile(new URL('template.html', import.meta.url))],
});
