import { access } from 'node:fs/promises';
import { type Browser, chromium } from 'playwright-core';

const executablePath = '/usr/bin/chromium';
const quiet = ['gpu', 'quic', 'background-networking', 'component-update', 'sync'];

/** Starts Debian's Chromium without a window, with these switches beside our own. */
export async function startChromium(more: readonly string[] = []): Promise<Browser> {
  await access(executablePath).catch(() => {
    throw new Error("These specs sign in by a browser: install Debian's chromium.");
  });
  const args = ['--no-sandbox', '--no-first-run', ...quiet.map((name) => `--disable-${name}`), ...more];
  return chromium.launch({ executablePath, args });
}
